-- How many rows does each table have? One row per table, with partitions summed under their parent, as the server estimates.
SELECT coalesce(parent.relname, stat.relname) AS table_name, sum(stat.n_live_tup)::bigint AS row_count
FROM pg_stat_user_tables AS stat
LEFT JOIN pg_inherits AS inherits ON inherits.inhrelid = stat.relid
LEFT JOIN pg_class AS parent ON parent.oid = inherits.inhparent
GROUP BY 1
ORDER BY 1
