-- Money that comes and goes apart from trading, and the account counted in units, so that it is neither profit nor loss.

CREATE TABLE transfers (
    venue          text        NOT NULL,
    account        text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('deposit', 'withdrawal', 'adjustment')),
    reference      text        NOT NULL,                         -- the exchange's id, or what a person accepted
    currency       text        NOT NULL,
    amount         numeric     NOT NULL CHECK (amount <> 0),     -- negative: it left
    fee            numeric     NOT NULL CHECK (fee >= 0),
    as_of          timestamptz NOT NULL,
    booked_at      timestamptz NOT NULL,
    correlation_id uuid        NOT NULL,
    value          numeric,                                      -- by the first valuation that contains it; empty until then
    value_currency text,
    valued_as_of   timestamptz,
    PRIMARY KEY (venue, account, kind, reference),
    CHECK ((value IS NULL) = (valued_as_of IS NULL) AND (value IS NULL) = (value_currency IS NULL))
);
CREATE INDEX transfers_newest ON transfers (venue, account, as_of DESC, kind, reference);
CREATE INDEX transfers_unvalued ON transfers (venue, account) WHERE value IS NULL;

-- As a fund counts: transfers change the number of units, trading changes what one is worth (equity / units). Empty: never valued.
ALTER TABLE accounts ADD COLUMN units numeric CHECK (units >= 0);
ALTER TABLE equity_snapshots ADD COLUMN units numeric CHECK (units >= 0);

-- Before transfers were booked there were none: each account's units are what it was first worth.
UPDATE accounts a SET units = (
    SELECT greatest(equity, 0) FROM equity_snapshots WHERE venue = a.venue AND account = a.account ORDER BY as_of LIMIT 1
);
UPDATE equity_snapshots s SET units = a.units FROM accounts a WHERE a.venue = s.venue AND a.account = s.account;
ALTER TABLE equity_snapshots ALTER COLUMN units SET NOT NULL;

-- The highest worth of a unit, from which a drawdown counts.
CREATE INDEX equity_snapshots_peak
    ON equity_snapshots (venue, account, currency, (equity / nullif(units, 0)) DESC NULLS LAST);

-- First in, first out: what is still held of each purchase, and which sale closed how much of which purchase. Money in quote currency.
CREATE TABLE lots (
    venue     text        NOT NULL,
    account   text        NOT NULL,
    symbol    text        NOT NULL,
    trade_id  text        NOT NULL,                              -- the purchase
    opened_at timestamptz NOT NULL,
    amount    numeric     NOT NULL CHECK (amount > 0),           -- base currency
    cost      numeric     NOT NULL,                              -- fees included
    fees      numeric     NOT NULL,
    PRIMARY KEY (venue, account, symbol, trade_id)
);
CREATE TABLE closings (
    venue     text        NOT NULL,
    account   text        NOT NULL,
    symbol    text        NOT NULL,
    entry_id  text        NOT NULL,                              -- trade ids of purchase and sale
    exit_id   text        NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz NOT NULL,
    amount    numeric     NOT NULL CHECK (amount > 0),
    cost      numeric     NOT NULL,                              -- what was paid for it, fees included
    proceeds  numeric     NOT NULL,                              -- what was received for it, net of fees
    fees      numeric     NOT NULL,                              -- of both
    PRIMARY KEY (venue, account, symbol, exit_id, entry_id)
);
CREATE INDEX closings_newest ON closings (venue, account, closed_at DESC);
