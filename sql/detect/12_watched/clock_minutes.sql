-- Since when is each device's clock wrong? One row per device and minute with readings, with how many of its last ${CLOCK_MINUTES}
-- were wrong, and the largest offset of their readings. The OVER window counts rows, so that devices that report rarely count too.
CREATE TEMPORARY VIEW clock_minutes AS
SELECT
  device_id,
  site_id,
  minute_end,
  risk_score,
  worst_reading,
  profile_version,
  held_until,
  min_clock_offset,
  is_clock_wrong,
  SUM(CASE WHEN is_clock_wrong THEN 1 ELSE 0 END) OVER last_minutes AS wrong_minutes,
  MAX(max_clock_offset) OVER last_minutes AS largest_clock_offset
FROM minute_findings
WINDOW last_minutes AS (
  PARTITION BY device_id ORDER BY minute_time ROWS BETWEEN ${CLOCK_MINUTES_BEFORE} PRECEDING AND CURRENT ROW)
