"""What people watch live: connections, subscriptions, numbered updates. It shows what was decided elsewhere and decides nothing.

Connections and subscriptions are stored; the log of updates and how far each client has got may be lost, and clients are then
told to begin again from a snapshot.
"""
