"""Readers of the stored truth for the API: statements that only select. Nothing here writes or decides."""
