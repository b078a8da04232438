-- A reading keeps the values that are out of range or impossible as they came, in the order of invalid_fields.
ALTER TABLE readings ADD COLUMN invalid_values jsonb;
