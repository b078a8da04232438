-- How many rows does each table hold? One row per table, partitions summed under their parent; the server's own estimate.
SELECT coalesce(parent.relname, stat.relname) AS table_name, sum(stat.n_live_tup)::bigint AS row_count
FROM pg_stat_user_tables AS stat
LEFT JOIN pg_inherits AS inherits ON inherits.inhrelid = stat.relid
LEFT JOIN pg_class AS parent ON parent.oid = inherits.inhparent
GROUP BY 1
ORDER BY 1
