"""Trading rules: each a pure function of a candle window and validated parameters. No I/O, no state."""
