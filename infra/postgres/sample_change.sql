-- Changes the sample fleet so that every open page is notified: its first device was seen now.
UPDATE device_state SET updated_at = clock_timestamp() WHERE device_id = 'dev-00000'
