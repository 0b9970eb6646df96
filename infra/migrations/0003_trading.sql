-- From a strategy to an order: what was wanted, what was decided and by which checks, what was sent, what came of it.

CREATE TABLE strategies (
    id         text        PRIMARY KEY,
    template   text        NOT NULL,
    venue      text        NOT NULL,
    symbol     text        NOT NULL,
    timeframe  text        NOT NULL,
    parameters jsonb       NOT NULL,
    status     text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'testing', 'active', 'paused', 'archived')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX strategies_active ON strategies (venue, symbol, timeframe) WHERE status = 'active';

-- Risk limits and compliance rules are data with versions; the newest version of a name is in force.
CREATE TABLE policies (
    name         text        NOT NULL CHECK (name IN ('risk', 'compliance')),
    version      integer     NOT NULL CHECK (version > 0),
    body         jsonb       NOT NULL,
    activated_at timestamptz NOT NULL DEFAULT now(),
    activated_by text        NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE signals (
    id               uuid             PRIMARY KEY,
    strategy_id      text             NOT NULL,
    strategy         text             NOT NULL,
    venue            text             NOT NULL,
    symbol           text             NOT NULL,
    timeframe        text,
    side             text             NOT NULL CHECK (side IN ('buy', 'sell')),
    confidence       double precision NOT NULL,
    price            numeric          NOT NULL,
    amount           numeric,
    stop_price       numeric,
    as_of            timestamptz      NOT NULL,
    candle_opened_at timestamptz,
    reason           text             NOT NULL,
    indicators       jsonb            NOT NULL,
    requested_by     text,
    raised_at        timestamptz      NOT NULL,
    correlation_id   uuid             NOT NULL
);
CREATE INDEX signals_newest ON signals (raised_at DESC);

CREATE TABLE decisions (
    signal_id      uuid        NOT NULL,
    stage          text        NOT NULL CHECK (stage IN ('risk', 'compliance')),
    approved       boolean     NOT NULL,
    policy_version integer     NOT NULL,
    checks         jsonb       NOT NULL,
    as_of          timestamptz NOT NULL,
    decided_at     timestamptz NOT NULL,
    correlation_id uuid        NOT NULL,
    PRIMARY KEY (signal_id, stage)
);

-- A proposal binds money until compliance refuses it or its order is final: limits count it as if it were held already.
CREATE TABLE proposals (
    id              uuid        PRIMARY KEY,
    signal_id       uuid        NOT NULL UNIQUE,
    strategy_id     text        NOT NULL,
    venue           text        NOT NULL,
    account         text        NOT NULL,
    symbol          text        NOT NULL,
    side            text        NOT NULL CHECK (side IN ('buy', 'sell')),
    order_type      text        NOT NULL CHECK (order_type IN ('market', 'limit')),
    amount          numeric     NOT NULL CHECK (amount > 0),
    limit_price     numeric,
    reference_price numeric     NOT NULL CHECK (reference_price > 0),
    stop_price      numeric,
    sizing          text        NOT NULL,
    state           text        NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'refused')),
    as_of           timestamptz NOT NULL,
    proposed_at     timestamptz NOT NULL,
    correlation_id  uuid        NOT NULL
);
CREATE INDEX proposals_binding ON proposals (venue, account, symbol) WHERE state <> 'refused';

CREATE TABLE orders (
    id                uuid        PRIMARY KEY,          -- the OrderApproved event's id
    proposal_id       uuid        NOT NULL UNIQUE,
    signal_id         uuid        NOT NULL,
    strategy_id       text        NOT NULL,
    client_order_id   text        NOT NULL UNIQUE,
    exchange_order_id text,
    venue             text        NOT NULL,
    account           text        NOT NULL,
    symbol            text        NOT NULL,
    side              text        NOT NULL CHECK (side IN ('buy', 'sell')),
    order_type        text        NOT NULL CHECK (order_type IN ('market', 'limit')),
    amount            numeric     NOT NULL CHECK (amount > 0),   -- as sent: rounded to the venue's step
    limit_price       numeric,
    reference_price   numeric     NOT NULL,
    state             text        NOT NULL,
    filled            numeric     NOT NULL DEFAULT 0 CHECK (filled >= 0),
    cost              numeric     NOT NULL DEFAULT 0 CHECK (cost >= 0),
    reason            text,
    attempts          integer     NOT NULL DEFAULT 0,
    reported_state    text,                             -- the furthest word of the exchange, ahead of the fills we have booked
    reported_filled   numeric     NOT NULL DEFAULT 0,
    as_of             timestamptz NOT NULL,
    intended_at       timestamptz NOT NULL,
    sent_at           timestamptz,
    updated_at        timestamptz NOT NULL,
    correlation_id    uuid        NOT NULL
);
CREATE INDEX orders_open ON orders (venue, account, symbol) WHERE state NOT IN ('filled', 'canceled', 'rejected', 'expired');
CREATE INDEX orders_newest ON orders (intended_at DESC);
CREATE INDEX orders_by_exchange_id ON orders (venue, exchange_order_id);

CREATE TABLE order_transitions (
    order_id   uuid        NOT NULL REFERENCES orders (id),
    position   integer     NOT NULL,
    before     text,
    after      text        NOT NULL,
    cause      text        NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, position)
);

CREATE TABLE fills (
    venue          text        NOT NULL,
    account        text        NOT NULL,
    symbol         text        NOT NULL,
    trade_id       text        NOT NULL,
    order_id       uuid        REFERENCES orders (id),      -- empty: the exchange knows the order, we do not
    exchange_order_id text     NOT NULL,
    side           text        NOT NULL CHECK (side IN ('buy', 'sell')),
    price          numeric     NOT NULL CHECK (price > 0),
    amount         numeric     NOT NULL CHECK (amount > 0),
    fee            numeric     NOT NULL,
    fee_currency   text        NOT NULL,
    is_maker       boolean,
    realised_pnl   numeric     NOT NULL,
    as_of          timestamptz NOT NULL,
    applied_at     timestamptz NOT NULL,
    correlation_id uuid        NOT NULL,
    PRIMARY KEY (venue, account, symbol, trade_id)
);
CREATE INDEX fills_by_order ON fills (order_id);
CREATE INDEX fills_newest ON fills (as_of DESC);
CREATE INDEX fills_in_order ON fills (venue, account, symbol, as_of, length(trade_id), trade_id COLLATE "C");
