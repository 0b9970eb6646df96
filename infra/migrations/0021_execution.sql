-- What the keeper looks for each minute is found without reading history.

-- Set while an order is to be protected by what its proposal wants, and is not yet. By the database itself, so that it holds for
-- every order whoever stores it, also a function of an earlier version that still answers while this one is deployed.
ALTER TABLE orders ADD COLUMN unguarded boolean NOT NULL DEFAULT false;

CREATE FUNCTION mark_unguarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.unguarded := EXISTS (SELECT FROM proposals WHERE id = NEW.proposal_id AND jsonb_strip_nulls(protection) <> '{}');
    RETURN NEW;
END $$;
CREATE TRIGGER orders_unguarded BEFORE INSERT ON orders
    FOR EACH ROW WHEN (NEW.side = 'buy' AND NEW.purpose IN ('trade', 'slice')) EXECUTE FUNCTION mark_unguarded();

CREATE FUNCTION mark_guarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders SET unguarded = false WHERE id = NEW.order_id;
    RETURN NULL;
END $$;
CREATE TRIGGER protections_guard AFTER INSERT ON protections FOR EACH ROW EXECUTE FUNCTION mark_guarded();

UPDATE orders o SET unguarded = true FROM proposals p
WHERE p.id = o.proposal_id AND o.side = 'buy' AND o.purpose IN ('trade', 'slice') AND jsonb_strip_nulls(p.protection) <> '{}'
  AND NOT EXISTS (SELECT FROM protections WHERE order_id = o.id);

CREATE INDEX orders_unguarded ON orders (venue, account, symbol) WHERE unguarded AND filled > 0;
DROP INDEX proposals_protected;

CREATE INDEX order_plans_working ON order_plans (updated_at) WHERE state = 'working';
