-- What money the books are of: books of play money must never size orders of real money, nor the other way round.

ALTER TABLE accounts ADD COLUMN mode text NOT NULL DEFAULT 'simulated' CHECK (mode IN ('simulated', 'sandbox', 'live'));
