"""The domain of VolexSwarm: all that the product knows about markets, signals, risk, orders and books.

Pure modules take data and a clock and return data; `adapters/` alone speaks to the outside world.
"""
