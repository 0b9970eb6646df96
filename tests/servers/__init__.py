"""Servers that only tests need: they speak a real protocol over a real connection, by a script."""
