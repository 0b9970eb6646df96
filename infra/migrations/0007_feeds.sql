-- How far each session of the feed has arrived without a hole; what came in beyond a hole waits here until it is filled.

CREATE TABLE feeds (
    venue      text        NOT NULL,
    session    text        NOT NULL,
    progress   jsonb       NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue, session)
);
