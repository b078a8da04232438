-- What arrived? One row per line of a file, untouched, in the order of the file.
-- event_time is the message's own time; 1970 where there is none, or one more than an hour after the file was written: the
-- decoder refuses both and says why, and neither moves the watermark. (ARRAY_REMOVE is a NULLIF that evaluates its argument
-- once.) A file has no record time. One file, one split: splits read side by side would mix event times.
CREATE TABLE telemetry_raw (
  message     BYTES,
  source      STRING METADATA FROM 'file.path' VIRTUAL,
  arrived_by  TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL,
  record_time AS CAST(NULL AS TIMESTAMP_LTZ(3)),
  proc_time   AS PROCTIME(),
  event_time  AS COALESCE(ARRAY_REMOVE(ARRAY[LEAST(GREATEST(
${MESSAGE_TIME},
    TO_TIMESTAMP_LTZ(0, 3)), arrived_by + INTERVAL '61' MINUTE)],
    arrived_by + INTERVAL '61' MINUTE)[1], TO_TIMESTAMP_LTZ(0, 3)),
  WATERMARK FOR event_time AS LEAST(event_time, arrived_by) - INTERVAL '${LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'raw'
)
