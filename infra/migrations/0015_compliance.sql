-- Why a policy was changed; each trade of ours as one row; flags for the compliance officer; the audit's way through the journal.

ALTER TABLE policies ADD COLUMN reason text NOT NULL DEFAULT '';

-- A trade is an approved proposal, in one order or in slices, or an order that was placed past us, known by fills that belong to
-- no order of ours. `planned` and `executed` are values in quote currency: while a trade is working, all that was planned may
-- still be executed; afterwards it counts with what was. `ended_at` is wall time.
CREATE VIEW own_trades AS
SELECT p.id::text AS id, p.venue, p.account, p.symbol, p.side, p.strategy_id, p.as_of,
       coalesce(p.limit_price, p.reference_price) AS price,
       coalesce(o.amount, p.amount) * coalesce(p.limit_price, p.reference_price) AS planned,
       coalesce(o.cost, 0) AS executed,
       coalesce(l.state = 'working', false) OR coalesce(o.open, l.proposal_id IS NULL) AS working,
       CASE WHEN NOT (coalesce(l.state = 'working', false) OR coalesce(o.open, l.proposal_id IS NULL))
            THEN greatest(o.touched_at, l.updated_at) END AS ended_at
FROM proposals p
LEFT JOIN order_plans l ON l.proposal_id = p.id
LEFT JOIN LATERAL (
    SELECT max(amount) FILTER (WHERE purpose = 'trade') AS amount, sum(cost) AS cost, max(updated_at) AS touched_at,
           bool_or(state NOT IN ('filled', 'canceled', 'rejected', 'expired')) AS open
    FROM orders WHERE proposal_id = p.id AND purpose IN ('trade', 'slice')
) o ON true
WHERE p.state = 'approved'
UNION ALL
SELECT exchange_order_id, venue, account, symbol, min(side), NULL, min(as_of),
       sum(price * amount) / sum(amount), sum(price * amount), sum(price * amount), false, max(applied_at)
FROM fills WHERE order_id IS NULL GROUP BY venue, account, symbol, exchange_order_id;

CREATE INDEX proposals_approved ON proposals (venue, account, symbol, as_of) WHERE state = 'approved';
CREATE INDEX orders_of_symbol ON orders (venue, account, symbol, as_of);
CREATE INDEX fills_of_foreign_orders ON fills (venue, account, symbol, exchange_order_id) WHERE order_id IS NULL;
CREATE INDEX decisions_in_time ON decisions (stage, as_of);

CREATE TABLE compliance_flags (
    id                uuid        PRIMARY KEY,
    rule              text        NOT NULL,
    venue             text        NOT NULL,
    account           text        NOT NULL,
    subject           text        NOT NULL,
    day               date        NOT NULL,                      -- of market time
    detail            text        NOT NULL,
    count             integer     NOT NULL DEFAULT 1 CHECK (count > 0),
    state             text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'escalated', 'cleared')),
    first_as_of       timestamptz NOT NULL,
    last_as_of        timestamptz NOT NULL,
    raised_at         timestamptz NOT NULL,
    escalated_by      text,
    escalated_at      timestamptz,
    escalation_reason text,
    cleared_by        text,
    cleared_at        timestamptz,
    clearing_reason   text,
    correlation_id    uuid        NOT NULL,                      -- of the review that raised it
    CHECK (state <> 'escalated' OR escalated_by IS NOT NULL AND escalation_reason IS NOT NULL),
    CHECK (state <> 'cleared' OR cleared_by IS NOT NULL AND clearing_reason IS NOT NULL)
);
CREATE INDEX compliance_flags_newest ON compliance_flags (venue, account, raised_at DESC, id DESC);
CREATE INDEX compliance_flags_open ON compliance_flags (raised_at) WHERE state = 'open';

CREATE INDEX events_audited ON events (occurred_at DESC, id DESC)
WHERE type IN ('volexswarm.TradingHalted', 'volexswarm.TradingResumed', 'volexswarm.ModeSwitched', 'volexswarm.PolicyActivated',
               'volexswarm.FlagChanged', 'volexswarm.BreakerChanged', 'volexswarm.DifferenceSettled', 'volexswarm.CancelOrder')
   OR (type = 'volexswarm.SignalRaised' AND data ->> 'requested_by' IS NOT NULL);
