-- The team's deliberations: their frozen facts, how far they came, every answer of a model once, every call, every forecast.

CREATE TABLE deliberations (
    id            text        PRIMARY KEY CHECK (id ~ '^[0-9a-f]{64}$'),  -- of the facts, rules, prompts and model
    task_id       text        NOT NULL,
    attempt       integer     NOT NULL CHECK (attempt > 0),
    symbol        text        NOT NULL,
    as_of         timestamptz NOT NULL,                          -- market time of the question
    snapshot      bytea       NOT NULL,                          -- JSON, deflated
    configuration jsonb       NOT NULL,
    version       integer     NOT NULL DEFAULT 0,                -- a checkpoint replaces the one before it, or nothing
    turns         bytea       NOT NULL,                          -- JSON, deflated
    decision      text,                                          -- JSON as it was computed, byte for byte; NULL until then
    begun_at      timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    UNIQUE (task_id, attempt, symbol)
);
CREATE INDEX deliberations_newest ON deliberations (begun_at DESC, id);

-- The tape: what was answered under a key stays.
CREATE TABLE deliberation_answers (
    deliberation_id text        NOT NULL REFERENCES deliberations,
    key             text        NOT NULL,
    answer          text        NOT NULL,                        -- JSON as it was recorded
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (deliberation_id, key)
);

-- Each attempt at a call, stored before it is made. One that was never settled counts by what was held for it.
CREATE TABLE deliberation_calls (
    number          bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deliberation_id text             NOT NULL REFERENCES deliberations,
    key             text             NOT NULL,
    role            text             NOT NULL,
    tokens          integer          NOT NULL CHECK (tokens >= 0),
    cost            double precision NOT NULL CHECK (cost >= 0), -- US dollars
    begun_at        timestamptz      NOT NULL,
    settled_at      timestamptz
);
CREATE INDEX deliberation_calls_of ON deliberation_calls (deliberation_id);

-- What a role foretold of the price, and what came: judged once, when the horizon has passed.
CREATE TABLE deliberation_forecasts (
    deliberation_id text             NOT NULL REFERENCES deliberations,
    role            text             NOT NULL,
    venue           text             NOT NULL,
    symbol          text             NOT NULL,
    timeframe       text             NOT NULL,
    as_of           timestamptz      NOT NULL,
    judged_as_of    timestamptz      NOT NULL,                   -- market time of the horizon
    probability     double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),  -- that the price is higher then
    model           text             NOT NULL,                   -- who spoke for the role
    price           numeric,
    later_price     numeric,
    hit             boolean,
    brier           double precision,                            -- NULL also where there was nothing to judge by
    judged_at       timestamptz,
    PRIMARY KEY (deliberation_id, role),
    CHECK (brier IS NULL OR judged_at IS NOT NULL)
);
CREATE INDEX deliberation_forecasts_open ON deliberation_forecasts (judged_as_of) WHERE judged_at IS NULL;
