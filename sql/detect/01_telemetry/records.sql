-- What arrived? One row per record of a file that `./fire replay` has written, in the order of the file.
-- A record has its arrival, and is then read as kafka.sql reads it, or the newest time that its message can have, as in file.sql.
-- The file is written by the replay itself, so that every line can be parsed, and must be one split.
CREATE TEMPORARY TABLE telemetry_raw (
  message     BYTES,
  record_key  BYTES,
  source      STRING,
  arrived_ms  BIGINT,
  newest_ms   BIGINT,
  record_time AS TO_TIMESTAMP_LTZ(arrived_ms, 3),
  arrived_by  AS TO_TIMESTAMP_LTZ(newest_ms, 3),
  proc_time   AS PROCTIME(),
  event_time  AS CASE WHEN arrived_ms IS NULL THEN
${TIME_BY_FILE}
  ELSE
${TIME_BY_ARRIVAL}
  END,
  WATERMARK FOR event_time AS event_time - INTERVAL '${LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'json'
)
