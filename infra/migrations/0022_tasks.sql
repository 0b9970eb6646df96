-- Tasks for the swarm: what was asked, each status with its reason, each step with what went in and came out, what a person was
-- asked on the way, and the trades that a task raised. Times are wall time.

ALTER TABLE policies
    DROP CONSTRAINT policies_name_check,
    ADD CONSTRAINT policies_name_check CHECK (name IN ('risk', 'compliance', 'tasks'));

CREATE TABLE tasks (
    id              uuid        PRIMARY KEY,
    kind            text        NOT NULL CHECK (
        kind IN ('analyze', 'trade', 'rebalance', 'research', 'report', 'backtest', 'optimize', 'discover')),
    priority        text        NOT NULL CHECK (priority IN ('critical', 'high', 'medium', 'low')),
    rank            smallint    NOT NULL,                        -- of the priority: 0 is started first
    status          text        NOT NULL CHECK (
        status IN ('unconfirmed', 'waiting', 'running', 'awaiting_approval', 'succeeded', 'rejected', 'failed', 'canceled',
                   'expired')),
    attempt         integer     NOT NULL CHECK (attempt > 0),
    request         jsonb       NOT NULL,
    symbols         text[]      NOT NULL,
    words           text,                                        -- as a person wrote it; NULL if it came typed
    understood      text        NOT NULL,
    ignored         text[]      NOT NULL DEFAULT '{}',           -- words that were not understood
    requested_by    text        NOT NULL,
    idempotency_key text        NOT NULL,
    deadline        timestamptz,                                 -- no money is moved later
    confirm_by      timestamptz,                                 -- an unconfirmed one expires then
    reason          text        NOT NULL,                        -- why it is in this status
    explanation     text[]      NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL,
    started_at      timestamptz,
    dispatched_at   timestamptz,                                 -- when the state machine took this attempt
    ended_at        timestamptz,
    UNIQUE (requested_by, idempotency_key),
    CHECK (status <> 'unconfirmed' OR confirm_by IS NOT NULL)
);
CREATE INDEX tasks_newest ON tasks (created_at DESC, id DESC);
CREATE INDEX tasks_waiting ON tasks (rank, created_at) WHERE status = 'waiting';
CREATE INDEX tasks_at_work ON tasks (status) WHERE status IN ('unconfirmed', 'running', 'awaiting_approval');

CREATE TABLE task_dependencies (
    task_id    uuid NOT NULL REFERENCES tasks,
    depends_on uuid NOT NULL REFERENCES tasks,
    PRIMARY KEY (task_id, depends_on),
    CHECK (task_id <> depends_on)
);
CREATE INDEX task_dependants ON task_dependencies (depends_on);

CREATE TABLE task_transitions (
    task_id    uuid        NOT NULL REFERENCES tasks,
    position   bigint      GENERATED ALWAYS AS IDENTITY,
    attempt    integer     NOT NULL,
    before     text,
    after      text        NOT NULL,
    actor      text        NOT NULL,
    reason     text        NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (task_id, position)
);

-- A step that was interrupted runs again and counts up; what it answered is answered again without running it.
CREATE TABLE task_steps (
    task_id    uuid        NOT NULL REFERENCES tasks,
    attempt    integer     NOT NULL,
    step       text        NOT NULL,
    symbol     text        NOT NULL DEFAULT '',                  -- '' where the step is about the whole task
    function   text        NOT NULL,
    runs       integer     NOT NULL DEFAULT 1,
    status     text        NOT NULL CHECK (status IN ('started', 'done', 'missing', 'failed')),
    detail     text        NOT NULL DEFAULT '',
    input      jsonb       NOT NULL,
    output     jsonb,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (task_id, attempt, step, symbol)
);
CREATE INDEX task_steps_of_function ON task_steps (function, started_at DESC);

CREATE TABLE task_approvals (
    id          uuid        PRIMARY KEY,
    task_id     uuid        NOT NULL REFERENCES tasks,
    attempt     integer     NOT NULL,
    question    text        NOT NULL,
    reasons     text[]      NOT NULL,
    token       text        NOT NULL,                            -- the state machine waits for an answer under it
    asked_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    verdict     text        CHECK (verdict IN ('approved', 'rejected', 'expired')),
    actor       text,
    reason      text,
    decided_at  timestamptz,
    answered_at timestamptz,                                     -- when the state machine took the verdict
    UNIQUE (task_id, attempt),
    CHECK ((verdict IS NULL) = (decided_at IS NULL))
);
CREATE INDEX task_approvals_unanswered ON task_approvals (expires_at) WHERE answered_at IS NULL;

-- What a task decided to trade, in the order in which it is raised. `intended_at` stands before the signal does.
CREATE TABLE task_trades (
    task_id     uuid        NOT NULL REFERENCES tasks,
    attempt     integer     NOT NULL,
    leg         integer     NOT NULL,
    symbol      text        NOT NULL,
    side        text        NOT NULL CHECK (side IN ('buy', 'sell')),
    amount      numeric     NOT NULL CHECK (amount > 0),         -- base currency
    price       numeric     NOT NULL CHECK (price > 0),          -- by which it was sized
    share       numeric     NOT NULL CHECK (share >= 0),         -- of the equity
    why         text        NOT NULL,
    intended_at timestamptz,
    signal_id   uuid,
    refusal     text,                                            -- why no signal could be raised
    PRIMARY KEY (task_id, attempt, leg)
);
CREATE INDEX task_trades_raised ON task_trades (signal_id) WHERE signal_id IS NOT NULL;

CREATE TABLE task_schedules (
    name     text        PRIMARY KEY,
    next_due timestamptz NOT NULL
);
