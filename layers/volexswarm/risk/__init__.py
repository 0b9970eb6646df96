"""Sizes trades and holds them against limits. Every decision lists each check with limit, value and verdict."""
