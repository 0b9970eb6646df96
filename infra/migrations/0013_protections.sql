-- Ways out of a position: who holds them, what became of them; and the prices that the system watches for them.

-- One row for each order that bought something that is to be left by itself. What is left of it: what its fills brought (net of
-- fees in base) less what its ways out have sold (orders of this parent) less what other sales took away.
CREATE TABLE protections (
    order_id          uuid        PRIMARY KEY REFERENCES orders (id),
    venue             text        NOT NULL,
    account           text        NOT NULL,
    symbol            text        NOT NULL,
    stop_price        numeric     CHECK (stop_price > 0),
    take_profit_price numeric     CHECK (take_profit_price > 0),
    trailing_share    numeric     CHECK (trailing_share > 0 AND trailing_share < 1),
    max_holding       integer     CHECK (max_holding > 0),       -- seconds of market time
    state             text        NOT NULL CHECK (state IN ('armed', 'exiting', 'closed')),
    holder            text        CHECK (holder IN ('exchange', 'system')),  -- of the stop, or of the trailing stop in its place
    amount            numeric     NOT NULL CHECK (amount >= 0),  -- base that is left to be sold, as of the last change
    sold_elsewhere    numeric     NOT NULL DEFAULT 0 CHECK (sold_elsewhere >= 0),
    way               text        CHECK (way IN ('stop', 'take_profit', 'trailing_stop', 'time_exit')),
    reached_price     numeric,                                   -- the trade that led to that way out
    reached_at        timestamptz,
    refusal           text,                                      -- why the exchange does not hold it any more
    reason            text        NOT NULL,
    version           integer     NOT NULL DEFAULT 0,
    entered_at        timestamptz NOT NULL,                      -- market time of the first fill
    watch_from        timestamptz NOT NULL,                      -- market time from which nothing else has watched the price
    paused            boolean     NOT NULL DEFAULT false,        -- nothing may be sent: the price is not watched
    updated_at        timestamptz NOT NULL,
    correlation_id    uuid        NOT NULL
);
CREATE INDEX protections_open ON protections (venue, account, symbol, entered_at) WHERE state <> 'closed';
CREATE INDEX protections_newest ON protections (entered_at DESC);
CREATE INDEX proposals_protected ON proposals (id) WHERE protection IS NOT NULL AND side = 'buy';

-- Changed only under the lock of the venue's candles, so that no trade slips between a watch and the batch that brings it.
CREATE TABLE price_watches (
    id             uuid        PRIMARY KEY,
    entry_id       uuid        NOT NULL REFERENCES protections (order_id),
    venue          text        NOT NULL,
    account        text        NOT NULL,
    symbol         text        NOT NULL,
    reason         text        NOT NULL CHECK (reason IN ('stop', 'take_profit', 'trailing_stop', 'time_exit')),
    as_of          timestamptz NOT NULL,                         -- only later trades count
    below          numeric,
    above          numeric,
    trail_share    numeric,
    extreme        numeric,
    extreme_at     timestamptz,
    due_at         timestamptz,                                  -- market time
    reached_price  numeric,
    reached_at     timestamptz,
    closed_at      timestamptz,                                  -- wall time
    correlation_id uuid        NOT NULL,
    CHECK (num_nonnulls(below, above, trail_share, due_at) = 1)
);
CREATE INDEX price_watches_open ON price_watches (venue, symbol) WHERE closed_at IS NULL;
CREATE INDEX price_watches_of_entry ON price_watches (entry_id);

-- Trades come in the order of their time: a few pages of index find those of the last minutes, and cost the feed nothing.
CREATE INDEX trades_by_time ON trades USING brin (traded_at) WITH (autosummarize = on);
