-- Orders that wait for a price, parts of large orders, ways out of a position, cancellations; slippage of every fill.

ALTER TABLE proposals
    DROP CONSTRAINT proposals_order_type_check,
    ADD CHECK (order_type IN ('market', 'limit', 'stop_loss', 'stop_loss_limit', 'take_profit', 'take_profit_limit', 'trailing_stop')),
    ADD COLUMN trigger_price numeric CHECK (trigger_price > 0),
    ADD COLUMN time_in_force text NOT NULL DEFAULT 'gtc' CHECK (time_in_force IN ('gtc', 'ioc', 'fok', 'post_only')),
    ADD COLUMN protection    jsonb,                              -- how the position is to be left; empty: as it comes
    ADD COLUMN volatility    double precision;

ALTER TABLE orders
    ALTER COLUMN proposal_id DROP NOT NULL,                      -- a sale that empties the account has none
    ALTER COLUMN signal_id DROP NOT NULL,
    DROP CONSTRAINT orders_proposal_id_key,
    DROP CONSTRAINT orders_order_type_check,
    ADD CHECK (order_type IN ('market', 'limit', 'stop_loss', 'stop_loss_limit', 'take_profit', 'take_profit_limit', 'trailing_stop')),
    ADD COLUMN purpose       text NOT NULL DEFAULT 'trade'
        CHECK (purpose IN ('trade', 'slice', 'stop', 'take_profit', 'trailing_stop', 'time_exit', 'flatten')),
    ADD COLUMN sequence      integer NOT NULL DEFAULT 0,         -- numbers the orders of one proposal and purpose
    ADD COLUMN parent_id     uuid REFERENCES orders (id),        -- the order whose position this one leaves
    ADD COLUMN trigger_price numeric CHECK (trigger_price > 0),
    ADD COLUMN trailing_share numeric CHECK (trailing_share > 0 AND trailing_share < 1),
    ADD COLUMN time_in_force text NOT NULL DEFAULT 'gtc' CHECK (time_in_force IN ('gtc', 'ioc', 'fok', 'post_only')),
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN cancel_reason text;
CREATE UNIQUE INDEX orders_trade_of_proposal ON orders (proposal_id) WHERE purpose = 'trade';
CREATE INDEX orders_by_proposal ON orders (proposal_id);
CREATE INDEX orders_by_parent ON orders (parent_id) WHERE parent_id IS NOT NULL;

-- Share of the decision price by which a fill was worse (negative: better); empty where no decision of ours stood behind it.
ALTER TABLE fills ADD COLUMN slippage numeric;

-- A large order goes out in slices over time, each an order of its own, none at a price worse than `worst_price`.
CREATE TABLE order_plans (
    proposal_id      uuid        PRIMARY KEY REFERENCES proposals (id),
    venue            text        NOT NULL,
    account          text        NOT NULL,
    symbol           text        NOT NULL,
    profile          text        NOT NULL CHECK (profile IN ('default', 'aggressive', 'conservative')),
    amount           numeric     NOT NULL CHECK (amount > 0),
    slices           integer     NOT NULL CHECK (slices > 0),
    next_slice       integer     NOT NULL DEFAULT 0,
    interval_seconds double precision NOT NULL CHECK (interval_seconds >= 0),
    worst_price      numeric     NOT NULL CHECK (worst_price > 0),
    state            text        NOT NULL DEFAULT 'working' CHECK (state IN ('working', 'done', 'stopped')),
    reason           text,
    started_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    correlation_id   uuid        NOT NULL
);
