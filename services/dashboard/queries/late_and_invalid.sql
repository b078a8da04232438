-- How many readings were late, and how many had values out of range? One row; uses partial indexes.
SELECT (SELECT count(*) FROM readings WHERE is_late AND event_time > %(since)s AND event_time <= %(until)s) AS late,
       (SELECT count(*) FROM readings WHERE NOT is_valid AND event_time > %(since)s AND event_time <= %(until)s) AS invalid
