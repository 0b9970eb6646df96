-- What a unit of a trade counts as before it is executed, in quote currency, as `messages.Trade.counted_price` has it: a purchase that
-- waits for a price above the market costs that price, so that is what it binds and what it adds to the day.
CREATE FUNCTION counted_price(side text, limit_price numeric, trigger_price numeric, reference_price numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(limit_price, CASE side WHEN 'buy' THEN greatest(trigger_price, reference_price) ELSE reference_price END)
$$;

CREATE OR REPLACE VIEW own_trades AS
SELECT p.id::text AS id, p.venue, p.account, p.symbol, p.side, p.strategy_id, p.as_of,
       counted_price(p.side, p.limit_price, p.trigger_price, p.reference_price) AS price,
       coalesce(o.amount, p.amount) * counted_price(p.side, p.limit_price, p.trigger_price, p.reference_price) AS planned,
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
