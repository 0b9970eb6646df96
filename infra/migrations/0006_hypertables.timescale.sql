-- Runs only where the timescaledb extension can be had; elsewhere these stay ordinary tables with the same names and queries.

CREATE EXTENSION IF NOT EXISTS timescaledb;

SELECT create_hypertable('trades', 'traded_at', chunk_time_interval => INTERVAL '1 day', migrate_data => true);
SELECT create_hypertable('candles', 'opened_at', chunk_time_interval => INTERVAL '30 days', migrate_data => true);
SELECT create_hypertable('equity_snapshots', 'as_of', chunk_time_interval => INTERVAL '30 days', migrate_data => true);
SELECT create_hypertable('events', 'occurred_at', chunk_time_interval => INTERVAL '7 days', migrate_data => true);

ALTER TABLE trades SET (timescaledb.compress, timescaledb.compress_segmentby = 'venue, symbol');
SELECT add_compression_policy('trades', INTERVAL '7 days');
