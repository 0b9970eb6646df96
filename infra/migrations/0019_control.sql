-- Real money needs a second word; what became of a halt; and the gate is a lock, not a row.

-- Whoever is about to send holds a lock of its transaction that the kill switch waits for. A row could not do it: who waited for
-- it would go on with the halt as it was read before the wait.
DROP TABLE trading_gate;

ALTER TABLE trading_halts
    ADD COLUMN canceled integer,                                 -- orders that ended canceled between halting and settling
    ADD COLUMN left_over text[];                                 -- what still stands or is held, in words

CREATE INDEX orders_emptying ON orders (correlation_id) WHERE purpose = 'flatten';

-- A code that was shown once: whoever sends it back means it. Only its digest is kept.
CREATE TABLE mode_confirmations (
    digest     text        PRIMARY KEY,
    venue      text        NOT NULL,
    actor      text        NOT NULL,
    mode       text        NOT NULL,
    cap        numeric     NOT NULL CHECK (cap > 0),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
