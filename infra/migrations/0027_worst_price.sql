-- The last price at which a task's trade is still ordered; what was planned without one gets the policy's default bound of 1 %.

ALTER TABLE task_trades ADD COLUMN worst_price numeric;                       -- quote currency
UPDATE task_trades SET worst_price = price * CASE side WHEN 'buy' THEN 1.01 ELSE 0.99 END;
ALTER TABLE task_trades ALTER COLUMN worst_price SET NOT NULL, ADD CHECK (worst_price > 0);
