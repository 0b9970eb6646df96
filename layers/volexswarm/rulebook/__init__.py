"""Changing the policies that others decide by, and trying a change on what has been decided before it is made.

It knows no policy's meaning: which there are, and the rules behind them, come from whoever puts it together.
"""
