"""Measurements, not tests: how fast the system is on this machine. `make bench` runs them all; no time makes one fail."""
