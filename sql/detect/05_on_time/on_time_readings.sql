-- Which readings do windows count? One row per distinct reading that did not arrive behind the watermark.
CREATE TEMPORARY VIEW on_time_readings AS
SELECT *
FROM readings
WHERE NOT is_late
