-- Which readings must the alert job see at once? One row per device, alert type, level and minute: the first that arrived.
-- Keep-first deduplication in processing time: a device at risk every second causes one row per minute, the first one without
-- delay, and another one when its level rises.
CREATE TEMPORARY VIEW first_readings AS
SELECT *
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY device_id, alert_type, risk_level, FLOOR(event_time TO MINUTE) ORDER BY proc_time) AS arrival
  FROM scored
  WHERE risk_level IN ('HIGH', 'CRITICAL')
)
WHERE arrival = 1
