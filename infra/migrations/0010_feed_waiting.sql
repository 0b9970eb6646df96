-- Since when a session waits for the batch that it lacks first; empty while it lacks none.

ALTER TABLE feeds ADD COLUMN waiting_since timestamptz;
