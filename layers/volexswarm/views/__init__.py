"""What the swarm shows of itself: the shapes of the API's answers and who gives them. No rules and no I/O live here."""
