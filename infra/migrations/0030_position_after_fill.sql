-- The position after each fill: a fill that comes late is booked from there on, not from the first fill of the symbol.
-- Empty for fills booked before; the next late fill among those works all of its symbol out once more, and stores it.

ALTER TABLE fills
    ADD COLUMN position_amount        numeric,                   -- base currency
    ADD COLUMN position_average_price numeric;                   -- quote per base
CREATE INDEX closings_of_purchase ON closings (venue, account, symbol, entry_id);
