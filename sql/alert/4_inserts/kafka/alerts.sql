INSERT INTO alerts (subject, alert)
SELECT subject, payload FROM transition WHERE kind = 'alert'
