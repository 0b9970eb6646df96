"""PostgreSQL/TimescaleDB: transactions with inbox and outbox, and one module of statements per context."""
