-- Circuit breakers as they stand; their history is in the journal. Times are market time.

CREATE TABLE breakers (
    venue      text             NOT NULL,
    account    text             NOT NULL,
    kind       text             NOT NULL CHECK (
        kind IN ('price_move', 'volatility', 'spread', 'stale_data', 'exchange_errors', 'disagreement')),
    scope      text             NOT NULL,                        -- a symbol, or 'account' for all of them
    state      text             NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
    reason     text             NOT NULL,
    since      timestamptz      NOT NULL,
    until      timestamptz,                                      -- when the cooldown is over
    cooldown   double precision NOT NULL CHECK (cooldown >= 0),  -- seconds
    probe_id   uuid,                                             -- the proposal that tries whether all is well again
    updated_at timestamptz      NOT NULL,
    PRIMARY KEY (venue, account, kind, scope),
    CHECK ((state = 'open') = (until IS NOT NULL)),
    CHECK (probe_id IS NULL OR state = 'half_open')
);

-- What a decision looks at, without walking through everything that ever was.
CREATE INDEX proposals_newest ON proposals (venue, account, proposed_at);
CREATE INDEX proposals_entries ON proposals (venue, account, as_of) WHERE side = 'buy' AND state <> 'refused';
CREATE INDEX signals_of_symbol ON signals (venue, symbol, as_of);
CREATE INDEX order_transitions_unanswered ON order_transitions (changed_at) WHERE after = 'unknown';
