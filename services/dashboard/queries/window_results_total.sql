-- How many rows has a window result for one subject, counted up to a maximum? The names in braces come from the contract.
SELECT count(*) AS total FROM (SELECT FROM {table} WHERE {subject} = %(subject)s LIMIT %(most)s) AS counted
