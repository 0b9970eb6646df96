"""A simulated spot exchange that speaks Binance's REST and WebSocket protocol, so that unmodified ccxt trades on it.

What lives here: a pure synchronous engine (`engine/`), the sources of prices (`market/`), the protocol (`binance/`), and the
server around them. What does not: anything of the product. The product reaches this exchange as it reaches a real one.

Everything it shows is labelled simulated.
"""
