-- Which messages were refused? One page, newest first; long messages are cut.
SELECT source, reason, record_time, received_at, left(message, %(most)s) AS message,
       coalesce(size_bytes, length(message) / 4 * 3 - length(message) + length(rtrim(message, '=')), 0) AS size, is_cut,
       replayed_at, replayed_by
FROM dead_letters
WHERE (%(received_at)s::timestamptz IS NULL OR (received_at, source) < (%(received_at)s, %(source)s))
ORDER BY received_at DESC, source DESC LIMIT %(limit)s
