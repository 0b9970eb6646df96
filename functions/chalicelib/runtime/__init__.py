"""What every function shares: wiring of ports to adapters, batches of messages, logs and metrics, errors over HTTP."""
