-- Which minutes must the alert job see to know that a hazard is over? One row per device and minute, watched or not.
-- A minute is watched if it, or one of the device's ${REMEMBERED_MINUTES} minutes with readings before it, was remarkable, was
-- the device's first, followed a pause that may be a silence, or a reading of a high risk that came too late for its own minute. The
-- OVER window counts rows, not time, so that alerts of devices that report rarely are cleared too.
CREATE TEMPORARY VIEW watched_minutes AS
SELECT
  device_id,
  site_id,
  minute_end,
  minute_time,
  profile_version,
  held_until,
  SUM(deserves_a_look) OVER lately > 0 AS is_watched,
  SUM(follows_a_pause) OVER lately > 0 AS has_paused
FROM (
  SELECT
    *,
    CASE
      WHEN candidate_count > 0 OR late_risks > 0 OR communication_errors > 0 OR is_risky_in_context OR is_anomaly OR is_exposed
        OR is_spike OR is_arcing OR is_rising OR is_clock_wrong OR is_faulty OR lasting_hazard IS NOT NULL
        OR overcurrent_level IS NOT NULL OR follows_a_pause > 0 THEN 1
      ELSE 0
    END AS deserves_a_look
  FROM (
    SELECT
      *,
      CASE
        WHEN TIMESTAMPDIFF(SECOND, COALESCE(
          LAG(minute_end) OVER (PARTITION BY device_id ORDER BY minute_time), TIMESTAMP '1970-01-01 00:00:00'),
          minute_end) >= ${SILENCE_SECONDS} THEN 1
        ELSE 0
      END AS follows_a_pause
    FROM minute_findings
  )
)
WINDOW lately AS (PARTITION BY device_id ORDER BY minute_time ROWS BETWEEN ${REMEMBERED_MINUTES} PRECEDING AND CURRENT ROW)
