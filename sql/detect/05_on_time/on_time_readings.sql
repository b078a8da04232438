-- Which readings do windows count? One row per distinct reading that was not behind the watermark when it arrived.
CREATE TEMPORARY VIEW on_time_readings AS
SELECT *
FROM readings
WHERE NOT is_late
