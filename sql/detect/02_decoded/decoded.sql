-- What does each message say? One row per message: the decoded and scored reading, or the reason for refusing it.
-- The only place that calls Python. RECORD_KEY is record_key, or NULL where fleets key their messages otherwise.
-- Lateness is judged here, beside the source: behind the Python worker the watermark waits for
-- whole bundles, and the answer would depend on their size.
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
  source,
  record_time,
  event_time,
  proc_time
FROM telemetry_raw
