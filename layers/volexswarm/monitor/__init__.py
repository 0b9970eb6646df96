"""Watches the parts of the swarm and counts its events. Changes nothing but its own records, and what waits in the outbox."""
