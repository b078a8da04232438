INSERT INTO dead_letters (dead_letter)
SELECT payload FROM alert_output WHERE kind = 'dead_letter'
