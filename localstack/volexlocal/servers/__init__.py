"""The real servers of the local cloud: how each is prepared, started, found healthy, stopped. None knows of the others."""
