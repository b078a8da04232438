-- The raw format holds one column.
INSERT INTO alert_state (alert)
SELECT payload FROM alert_output WHERE kind = 'alert_state'
