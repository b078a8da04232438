-- Which readings deserve a look at once? One row per device, kind, level and minute: the first that arrived.
-- Keep-first on processing time: a device that alarms every second sends the alert job one row a minute, its first without
-- delay, and every rise of its level.
CREATE TEMPORARY VIEW first_readings AS
SELECT *
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY device_id, alert_type, risk_level, FLOOR(event_time TO MINUTE) ORDER BY proc_time) AS place
  FROM scored
  WHERE risk_level IN ('HIGH', 'CRITICAL')
)
WHERE place = 1
