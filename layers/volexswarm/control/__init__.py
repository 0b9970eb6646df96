"""What governs trading: the mode that is in force, and the kill switch."""
