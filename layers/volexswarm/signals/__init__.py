"""From a closed candle to a signal: loads the window, asks the active strategies. The rules themselves are in strategies."""
