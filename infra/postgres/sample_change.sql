-- A change of the sample fleet that every open page hears of: its first device was seen now.
UPDATE device_state SET updated_at = clock_timestamp() WHERE device_id = 'dev-00000'
