-- How many readings per second had the newest complete minute that is stored? One row; null if that minute is too old.
SELECT sum(record_count)::double precision / 60 AS readings_per_second FROM device_minutes
WHERE minute_end = (SELECT max(minute_end) FROM device_minutes WHERE minute_end > %(since)s AND minute_end <= %(until)s)
