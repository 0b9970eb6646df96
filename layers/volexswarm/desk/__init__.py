"""What a person may ask the swarm to trade: a wish that goes the same way as a strategy's, through risk and compliance."""
