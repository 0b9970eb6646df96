-- Who watches what, live. The updates themselves are not stored here: they come from the journal's events.

CREATE TABLE push_connections (
    id           text        PRIMARY KEY,        -- API Gateway's connection id
    username     text        NOT NULL,
    role         text        NOT NULL,
    permissions  text[]      NOT NULL,
    token_id     text        NOT NULL,
    expires_at   timestamptz NOT NULL,           -- end of the token it speaks with
    connected_at timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL            -- last sign of life, to the minute
);
CREATE INDEX push_connections_by_user ON push_connections (username);

CREATE TABLE push_subscriptions (
    connection_id text    NOT NULL REFERENCES push_connections ON DELETE CASCADE,
    channel       text    NOT NULL,
    filters       jsonb   NOT NULL,
    begun         boolean NOT NULL DEFAULT false, -- its snapshot has been sent: updates may follow
    PRIMARY KEY (connection_id, channel)
);
CREATE INDEX push_subscriptions_by_channel ON push_subscriptions (channel) WHERE begun;
