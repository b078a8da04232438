-- What arrived? One row per line of a file, unchanged, in the order of the file.
-- Filesystem source without record time or record key. event_time is the message's own time, but not after the file's
-- modification time plus ${MAX_AHEAD_HOURS} h, and 1970 if the message has none; the decoder refuses both, and neither moves the
-- watermark. A file must be one split, because splits read in parallel would mix event times.
CREATE TEMPORARY TABLE telemetry_raw (
  message     BYTES,
  record_key  AS CAST(NULL AS BYTES),
  source      STRING METADATA FROM 'file.path' VIRTUAL,
  arrived_by  TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL,
  record_time AS CAST(NULL AS TIMESTAMP_LTZ(3)),
  proc_time   AS PROCTIME(),
  event_time  AS COALESCE(GREATEST(LEAST(
${MESSAGE_TIME},
    arrived_by + INTERVAL '${MAX_AHEAD_HOURS}' HOUR), TO_TIMESTAMP_LTZ(0, 3)), TO_TIMESTAMP_LTZ(0, 3)),
  WATERMARK FOR event_time AS IF(event_time >= arrived_by + INTERVAL '${MAX_AHEAD_HOURS}' HOUR, TO_TIMESTAMP_LTZ(0, 3),
    LEAST(event_time, arrived_by)) - INTERVAL '${LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'raw'
)
