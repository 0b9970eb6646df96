-- Trades as the exchange printed them, each once; candles built from them.

CREATE TABLE trades (
    venue     text        NOT NULL,
    symbol    text        NOT NULL,
    trade_id  bigint      NOT NULL,
    traded_at timestamptz NOT NULL,
    price     numeric     NOT NULL CHECK (price > 0),
    amount    numeric     NOT NULL CHECK (amount > 0),
    side      char(1)     NOT NULL CHECK (side IN ('b', 's')),
    -- a hypertable's key must hold its time column; a venue never gives one id two times
    PRIMARY KEY (venue, symbol, trade_id, traded_at)
);

-- How far the feed is: trades of the symbol are complete through this moment of exchange time.
CREATE TABLE watermarks (
    venue         text        NOT NULL,
    symbol        text        NOT NULL,
    complete_to   timestamptz NOT NULL,
    last_trade_id bigint,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue, symbol)
);

CREATE TABLE candles (
    venue          text        NOT NULL,
    symbol         text        NOT NULL,
    timeframe      text        NOT NULL,
    opened_at      timestamptz NOT NULL,
    open           numeric     NOT NULL,
    high           numeric     NOT NULL,
    low            numeric     NOT NULL,
    close          numeric     NOT NULL,
    volume         numeric     NOT NULL,
    trade_count    integer     NOT NULL,
    first_trade_id bigint      NOT NULL,
    last_trade_id  bigint      NOT NULL,
    closed         boolean     NOT NULL DEFAULT false,
    revision       integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (venue, symbol, timeframe, opened_at)
);
CREATE INDEX candles_open ON candles (venue, symbol, timeframe, opened_at) WHERE NOT closed;
