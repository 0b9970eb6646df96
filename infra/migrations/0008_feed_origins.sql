-- Where the feed of each symbol began: below it no trade is expected, above it none may be missing.

CREATE TABLE feed_origins (
    venue          text        NOT NULL,
    symbol         text        NOT NULL,
    first_trade_id bigint      NOT NULL,
    began_at       timestamptz NOT NULL,                -- exchange time of that trade
    PRIMARY KEY (venue, symbol)
);
