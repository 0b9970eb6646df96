"""The functions: how the agents and the API are woken. What they know is in `volexswarm`."""
