-- Studies of the past: backtests, searches for better parameters with every trial, and searches for strategies.
-- Periods and candles are market time; started_at, finished_at and made_at are wall time.

CREATE TABLE backtests (
    id             uuid        PRIMARY KEY,
    requested_by   text        NOT NULL,                         -- the task
    venue          text        NOT NULL,
    symbol         text        NOT NULL,
    timeframe      text        NOT NULL,
    strategy       text        NOT NULL,                         -- the template
    parameters     jsonb       NOT NULL,
    since          timestamptz NOT NULL,
    until          timestamptz NOT NULL,
    candles        integer     NOT NULL CHECK (candles > 0),
    policy_version integer     NOT NULL,                         -- of the risk policy; 0: the defaults
    assumptions    text[]      NOT NULL,
    figures        jsonb       NOT NULL,
    unfilled       jsonb       NOT NULL,
    trades         bytea       NOT NULL,                         -- compressed JSON
    curve          bytea       NOT NULL,                         -- compressed JSON
    words          text        NOT NULL,
    made_at        timestamptz NOT NULL
);
CREATE INDEX backtests_newest ON backtests (made_at DESC, id DESC);

CREATE TABLE optimizations (
    id             uuid        PRIMARY KEY,
    requested_by   text        NOT NULL,                         -- the task
    discovery_id   uuid,                                         -- the search for strategies that it is a part of
    venue          text        NOT NULL,
    symbol         text        NOT NULL,
    timeframe      text        NOT NULL,
    strategy       text        NOT NULL,
    since          timestamptz NOT NULL,
    until          timestamptz NOT NULL,
    candles        integer     NOT NULL CHECK (candles > 0),
    seed           text        NOT NULL,
    budget_runs    integer     NOT NULL CHECK (budget_runs > 0),
    policy_version integer     NOT NULL,
    status         text        NOT NULL CHECK (status IN ('running', 'done')),
    result         jsonb,
    words          text,
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz,
    CHECK ((status = 'done') = (result IS NOT NULL AND words IS NOT NULL AND finished_at IS NOT NULL))
);
CREATE INDEX optimizations_newest ON optimizations (started_at DESC, id DESC);
CREATE INDEX optimizations_of_discovery ON optimizations (discovery_id);

CREATE TABLE optimization_trials (
    optimization_id uuid             NOT NULL REFERENCES optimizations (id),
    fold            integer          NOT NULL,
    number          integer          NOT NULL,
    parameters      jsonb            NOT NULL,
    sharpe          double precision,                            -- in sample, of a year; none: reason says why
    reason          text,
    total_return    double precision NOT NULL,
    trades          integer          NOT NULL,
    PRIMARY KEY (optimization_id, fold, number),
    CHECK ((sharpe IS NULL) = (reason IS NOT NULL))
);

CREATE TABLE discoveries (
    id           uuid        PRIMARY KEY,
    requested_by text        NOT NULL,                           -- the task
    venue        text        NOT NULL,
    symbols      text[]      NOT NULL,
    days         integer     NOT NULL,
    until        timestamptz NOT NULL,
    status       text        NOT NULL CHECK (status IN ('running', 'done')),
    result       jsonb,
    words        text,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    CHECK ((status = 'done') = (result IS NOT NULL AND words IS NOT NULL AND finished_at IS NOT NULL))
);
CREATE INDEX discoveries_newest ON discoveries (started_at DESC, id DESC);
