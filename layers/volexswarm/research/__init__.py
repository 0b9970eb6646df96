"""What a market is like, by its candles and its quote: measures, the research agent's voice and its written report."""
