INSERT INTO dead_letters (dead_letter)
SELECT payload FROM transition WHERE kind = 'dead_letter'
