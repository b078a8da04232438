-- What does each message contain? One row per message: the decoded and scored reading, or the reason for refusing it.
-- The only Python call for each message. RECORD_KEY is record_key, or NULL if the fleet does not key its messages by device.
-- Lateness is determined here, directly after the source: after the Python worker the watermark waits for whole bundles, and
-- is_late would depend on their size.
CREATE TEMPORARY VIEW decoded AS
SELECT
  decode_and_score(
    message,
    ${RECORD_KEY},
    CAST(record_time AS TIMESTAMP(3)),
    CAST(arrived_by AS TIMESTAMP(3)),
    CAST(event_time AS TIMESTAMP(3)),
    COALESCE(event_time <= CURRENT_WATERMARK(event_time), FALSE)
  ) AS r,
  message,
  source,
  record_time,
  event_time,
  proc_time
FROM telemetry_raw
