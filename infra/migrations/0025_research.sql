-- News as it came in, scored once; the research agent's reports; strategies whose life is audited. Times are wall time unless said.

CREATE TABLE news_items (
    id           uuid             PRIMARY KEY,
    origin       text             NOT NULL,
    headline     text             NOT NULL CHECK (length(headline) BETWEEN 1 AND 300),  -- clean, and yet from outside
    url          text,
    symbols      text[]           NOT NULL,                      -- none: it concerns the market as a whole
    fingerprint  text             NOT NULL,                      -- of the words alone
    score        double precision NOT NULL CHECK (score BETWEEN -1 AND 1),
    scorer       text             NOT NULL,
    published_at timestamptz      NOT NULL,                      -- market time
    received_at  timestamptz      NOT NULL,
    submitted_by text             NOT NULL
);
CREATE INDEX news_items_newest ON news_items (published_at DESC, id DESC);
CREATE INDEX news_items_same ON news_items (fingerprint, published_at);

CREATE TABLE market_reports (
    id           uuid        PRIMARY KEY,
    venue        text        NOT NULL,
    symbols      text[]      NOT NULL,
    as_of        timestamptz NOT NULL,                           -- market time
    words        text        NOT NULL,                           -- in one sentence
    body         text        NOT NULL,
    pictures     jsonb       NOT NULL,                           -- the numbers that it was written from, by symbol
    requested_by text        NOT NULL,                           -- the task
    written_at   timestamptz NOT NULL
);
CREATE INDEX market_reports_newest ON market_reports (written_at DESC, id DESC);

-- What a strategy said last, without walking through everything it ever said.
CREATE INDEX signals_of_strategy ON signals (strategy_id, as_of DESC);
CREATE INDEX strategies_by_symbol ON strategies (venue, symbol, id);

DROP INDEX events_audited;
CREATE INDEX events_audited ON events (occurred_at DESC, id DESC)
WHERE type IN ('volexswarm.TradingHalted', 'volexswarm.TradingResumed', 'volexswarm.ModeSwitched', 'volexswarm.PolicyActivated',
               'volexswarm.FlagChanged', 'volexswarm.BreakerChanged', 'volexswarm.DifferenceSettled', 'volexswarm.CancelOrder',
               'volexswarm.StrategyChanged', 'volexswarm.ApprovalDecided')
   OR (type = 'volexswarm.SignalRaised' AND data ->> 'requested_by' IS NOT NULL);
