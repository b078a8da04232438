-- How many messages were refused, and how many of them in the last hour? One row; at most `most` are counted.
SELECT (SELECT count(*) FROM (SELECT FROM dead_letters LIMIT %(most)s) AS all_kept) AS total,
       (SELECT count(*) FROM dead_letters WHERE received_at > %(since)s) AS last_hour
