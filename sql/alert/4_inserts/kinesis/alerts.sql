-- The raw format holds one column.
INSERT INTO alerts (alert)
SELECT payload FROM alert_output WHERE kind = 'alert'
