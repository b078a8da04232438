-- How large is the database, how many devices are there, and how many reported within the last 5 minutes? One row.
-- Reading all of device_state is cheap: it has one row per device.
SELECT pg_database_size(current_database()) AS database_bytes,
    (SELECT count(*) FROM device_state) AS devices,
    (SELECT count(*) FROM device_state WHERE last_seen > now() - INTERVAL '5 minutes') AS reporting,
    (SELECT count(*) FROM store_refusals) AS refusals
