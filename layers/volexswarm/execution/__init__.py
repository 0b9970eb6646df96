"""Orders and their life: the intent is stored before anything is sent; only evidence changes a state."""
