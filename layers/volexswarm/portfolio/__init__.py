"""The books: a double-entry ledger in Decimal, positions at average cost, equity."""
