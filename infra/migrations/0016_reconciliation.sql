-- What the exchange and our records said when they were compared, and every difference until it is settled.

CREATE TABLE reconciliations (
    id          uuid        PRIMARY KEY,
    venue       text        NOT NULL,
    account     text        NOT NULL,
    occasion    text        NOT NULL CHECK (occasion IN ('start', 'reconnect', 'schedule', 'demand')),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    as_of       timestamptz NOT NULL,                    -- exchange time through which everything was compared
    orders      integer     NOT NULL,
    fills       integer     NOT NULL,
    transfers   integer     NOT NULL,                    -- booked by this comparison
    repaired    integer     NOT NULL,
    open        integer     NOT NULL
);
CREATE INDEX reconciliations_newest ON reconciliations (venue, account, finished_at DESC);

CREATE TABLE differences (
    id         uuid        PRIMARY KEY,
    venue      text        NOT NULL,
    account    text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('order', 'foreign_order', 'fill', 'balance')),
    subject    text        NOT NULL,
    ours       text        NOT NULL,
    theirs     text        NOT NULL,
    cause      text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('open', 'repaired', 'accepted')),
    found_at   timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    times      integer     NOT NULL DEFAULT 1,
    settled_by text,
    reason     text,
    settled_at timestamptz,
    as_of      timestamptz NOT NULL,
    correlation_id uuid    NOT NULL
);
CREATE UNIQUE INDEX differences_open ON differences (venue, account, kind, subject) WHERE state = 'open';
CREATE INDEX differences_newest ON differences (found_at DESC);
