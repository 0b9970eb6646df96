-- The journal of every event, the outbox that carries events to the queues, the inbox that drops what was answered before.

CREATE TABLE events (
    id             uuid        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    type           text        NOT NULL,
    source         text        NOT NULL,
    subject        text        NOT NULL,
    correlation_id uuid        NOT NULL,
    causation_id   uuid,
    data           jsonb       NOT NULL,
    PRIMARY KEY (id, occurred_at)
);
CREATE INDEX events_by_correlation ON events (correlation_id, occurred_at);
CREATE INDEX events_by_type ON events (type, occurred_at DESC);

CREATE TABLE outbox (
    position     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id     uuid        NOT NULL,
    queue        text        NOT NULL,
    group_key    text,
    body         text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL;

CREATE TABLE inbox (
    consumer    text        NOT NULL,
    event_id    uuid        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
