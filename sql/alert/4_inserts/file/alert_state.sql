-- The raw format holds one column, and a file has no key.
INSERT INTO alert_state (alert)
SELECT payload FROM alert_output WHERE kind = 'alert_state'
