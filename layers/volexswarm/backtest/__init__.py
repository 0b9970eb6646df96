"""Strategies over stored candles: what they would have decided, and what would have come of it.

The rules are those of `strategies`, the stops and sizes those of `risk`, the figures those of `portfolio`: nothing of them is
written again here. Searching for better parameters is `optimize`'s work.
"""
