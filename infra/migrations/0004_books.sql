-- Double-entry books: within a transaction, the entries of each currency sum to zero.

CREATE TABLE accounts (
    venue     text        NOT NULL,
    account   text        NOT NULL,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (venue, account)
);

CREATE TABLE ledger_transactions (
    id             uuid        PRIMARY KEY,
    venue          text        NOT NULL,
    account        text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('opening', 'fill', 'transfer', 'adjustment')),
    reference      text        NOT NULL,
    as_of          timestamptz NOT NULL,
    posted_at      timestamptz NOT NULL,
    correlation_id uuid        NOT NULL,
    UNIQUE (venue, account, kind, reference)
);

-- ledger_account: 'assets' is what the exchange holds for us; 'capital', 'trading' and 'fees' are where it came from or went.
CREATE TABLE ledger_entries (
    transaction_id uuid    NOT NULL REFERENCES ledger_transactions (id),
    line           integer NOT NULL,
    ledger_account text    NOT NULL CHECK (ledger_account IN ('assets', 'capital', 'trading', 'fees')),
    currency       text    NOT NULL,
    amount         numeric NOT NULL,
    PRIMARY KEY (transaction_id, line)
);

-- The sums of the entries, kept in the same transaction as they are.
CREATE TABLE balances (
    venue          text    NOT NULL,
    account        text    NOT NULL,
    ledger_account text    NOT NULL,
    currency       text    NOT NULL,
    amount         numeric NOT NULL,
    PRIMARY KEY (venue, account, ledger_account, currency)
);

CREATE FUNCTION ledger_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_entries WHERE transaction_id = NEW.transaction_id GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero in every currency', NEW.transaction_id;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entries_balanced AFTER INSERT OR UPDATE ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_is_balanced();

CREATE TABLE positions (
    venue         text        NOT NULL,
    account       text        NOT NULL,
    symbol        text        NOT NULL,
    amount        numeric     NOT NULL,                 -- base currency held through trades of this symbol
    average_price numeric     NOT NULL,                 -- quote per base, fees included; 0 when flat
    realised_pnl  numeric     NOT NULL DEFAULT 0,       -- quote currency, net of fees
    fees          numeric     NOT NULL DEFAULT 0,       -- in quote currency at the fill's price
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (venue, account, symbol)
);

CREATE TABLE equity_snapshots (
    venue       text        NOT NULL,
    account     text        NOT NULL,
    as_of       timestamptz NOT NULL,                   -- market time
    currency    text        NOT NULL,
    equity      numeric     NOT NULL,
    cash        numeric     NOT NULL,
    taken_at    timestamptz NOT NULL,
    PRIMARY KEY (venue, account, as_of)
);
