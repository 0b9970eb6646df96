-- The paper venue: orders and money of accounts that trade on real prices without an exchange.

CREATE TABLE paper_accounts (
    venue     text        NOT NULL,
    account   text        NOT NULL,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (venue, account)
);

CREATE TABLE paper_balances (
    venue    text    NOT NULL,
    account  text    NOT NULL,
    currency text    NOT NULL,
    total    numeric NOT NULL,
    locked   numeric NOT NULL DEFAULT 0 CHECK (locked >= 0),   -- by orders that stand
    PRIMARY KEY (venue, account, currency),
    FOREIGN KEY (venue, account) REFERENCES paper_accounts,
    CHECK (total >= locked)
);

CREATE TABLE paper_orders (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    venue           text        NOT NULL,
    account         text        NOT NULL,
    client_order_id text        NOT NULL,
    symbol          text        NOT NULL,
    side            text        NOT NULL CHECK (side IN ('buy', 'sell')),
    order_type      text        NOT NULL,
    amount          numeric     NOT NULL CHECK (amount > 0),
    limit_price     numeric,
    trigger_price   numeric,
    trailing_share  numeric,
    best_price      numeric,                                    -- that a trailing stop has seen
    price_step      numeric     NOT NULL,
    taker_fee       numeric     NOT NULL,                       -- rates in force when it was accepted
    maker_fee       numeric     NOT NULL,
    state           text        NOT NULL,
    filled          numeric     NOT NULL DEFAULT 0 CHECK (filled >= 0 AND filled <= amount),
    triggered_at    timestamptz,
    accepted_at     timestamptz NOT NULL,                       -- exchange time: of the quote that it met
    after_trade_id  bigint      NOT NULL,                       -- the last public trade that was held against it
    updated_at      timestamptz NOT NULL,                       -- exchange time
    FOREIGN KEY (venue, account) REFERENCES paper_accounts,
    UNIQUE (venue, account, client_order_id)
);
CREATE INDEX paper_orders_open ON paper_orders (venue, account, symbol)
    WHERE state IN ('accepted', 'partially_filled');

CREATE TABLE paper_fills (
    trade_id     bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    order_id     bigint      NOT NULL REFERENCES paper_orders (id),
    price        numeric     NOT NULL CHECK (price > 0),
    amount       numeric     NOT NULL CHECK (amount > 0),
    fee          numeric     NOT NULL CHECK (fee >= 0),
    fee_currency text        NOT NULL,
    is_maker     boolean     NOT NULL,
    as_of        timestamptz NOT NULL
);
CREATE INDEX paper_fills_by_order ON paper_fills (order_id);
