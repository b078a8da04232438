-- Which readings count? One row per accepted message, for a fleet that never repeats a message and whose clocks are right.
CREATE TEMPORARY VIEW compared AS
SELECT
  *,
  event_time AS steady_time,
  NOT is_late AS is_on_time,
  FALSE AS is_conflict,
  CAST(NULL AS BYTES) AS kept_message,
  CAST(NULL AS BIGINT) AS size_bytes,
  CAST(NULL AS STRING) AS sha256,
  CAST(NULL AS BOOLEAN) AS is_cut,
  FALSE AS follows_late_risk
FROM scored
