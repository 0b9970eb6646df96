"""The desk's rules: order size, daily value, frequency, restricted symbols. Fails closed."""
