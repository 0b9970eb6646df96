"""The one long-running process: exchange streams in, tick batches and fills out."""
