-- A reading says how far its device's clock was from its arrival.
ALTER TABLE readings ADD COLUMN clock_offset double precision;
