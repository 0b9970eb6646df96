"""Searches for better parameters of a strategy by backtests, and says how far what was found can be trusted.

Nothing that is found here is put to work here.
"""
