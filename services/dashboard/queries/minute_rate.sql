-- How many readings came in the newest whole minute that is stored? One row; null when that minute is old.
SELECT sum(record_count)::double precision / 60 AS readings_per_second FROM device_minutes
WHERE minute_end = (SELECT max(minute_end) FROM device_minutes WHERE minute_end > %(since)s AND minute_end <= %(until)s)
