"""Task flows: what a person, a schedule or another agent wants done, from their words to the explanation of what came of it."""
