-- What governs trading: whose books trade with what money, and the kill switch.

ALTER TABLE accounts
    DROP CONSTRAINT accounts_mode_check,
    ADD CHECK (mode IN ('simulated', 'paper', 'sandbox', 'live'));

CREATE TABLE trading_modes (
    venue       text        PRIMARY KEY,
    account     text        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('simulated', 'paper', 'sandbox', 'live')),
    cap         numeric     CHECK (cap > 0),                     -- most that may be exposed, in the valuation currency
    switched_by text        NOT NULL,
    reason      text        NOT NULL,
    switched_at timestamptz NOT NULL DEFAULT now(),
    CHECK (mode <> 'live' OR cap IS NOT NULL)
);

CREATE TABLE trading_halts (
    id          uuid        PRIMARY KEY,
    actor       text        NOT NULL,
    reason      text        NOT NULL,
    flatten     boolean     NOT NULL DEFAULT false,
    halted_at   timestamptz NOT NULL,
    settled_at  timestamptz,                                     -- when nothing stood open at the exchange any more
    lifted_by   text,
    lift_reason text,
    lifted_at   timestamptz
);
CREATE UNIQUE INDEX trading_halts_one_in_force ON trading_halts ((true)) WHERE lifted_at IS NULL;

-- The one row that everybody who is about to send an order holds shared, and that the kill switch changes.
CREATE TABLE trading_gate (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    halt_id uuid    REFERENCES trading_halts (id)
);
INSERT INTO trading_gate DEFAULT VALUES;
