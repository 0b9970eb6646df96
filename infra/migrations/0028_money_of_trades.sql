-- For which money a task's trade was decided; what was planned before is of the money that trades now.

ALTER TABLE task_trades ADD COLUMN mode text;
UPDATE task_trades SET mode = coalesce((SELECT mode FROM trading_modes LIMIT 1), 'simulated');
ALTER TABLE task_trades ALTER COLUMN mode SET NOT NULL;
