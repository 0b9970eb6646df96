"""Trades, candles and quotes: from what the exchange printed to closed candles. No indicators here."""
