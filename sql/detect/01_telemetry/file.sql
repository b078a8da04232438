-- What arrived? One row per line of a file, unchanged, in the order of the file.
-- Filesystem source without record time or record key. event_time is the message's own time, but not after the file's
-- modification time; a message without such a time is refused by the decoder and does not move the watermark. A file must be one
-- split, because splits read in parallel would mix event times.
CREATE TEMPORARY TABLE telemetry_raw (
  message     BYTES,
  record_key  AS CAST(NULL AS BYTES),
  source      STRING METADATA FROM 'file.path' VIRTUAL,
  arrived_by  TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL,
  record_time AS CAST(NULL AS TIMESTAMP_LTZ(3)),
  proc_time   AS PROCTIME(),
  event_time  AS
${TIME_BY_FILE},
  WATERMARK FOR event_time AS event_time - INTERVAL '${LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'raw'
)
