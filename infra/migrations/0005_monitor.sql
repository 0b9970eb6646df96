-- What the monitor keeps: the last health of each part, and what each agent has done.

CREATE TABLE health (
    part       text        PRIMARY KEY,
    healthy    boolean     NOT NULL,
    detail     text        NOT NULL,
    checked_at timestamptz NOT NULL
);

CREATE TABLE agent_activity (
    source      text        NOT NULL,
    event_type  text        NOT NULL,
    events      bigint      NOT NULL,
    last_event  timestamptz NOT NULL,
    PRIMARY KEY (source, event_type)
);
