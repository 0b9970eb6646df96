"""The command line client: an HTTP client of the API, for people and scripts."""
