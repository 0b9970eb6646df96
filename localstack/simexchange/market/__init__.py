"""Where prices come from: a seeded synthetic market, or the replay of a file. Pure: seeds and time are given."""
