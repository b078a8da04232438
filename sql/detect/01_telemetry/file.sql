-- What arrived? One row per line of a file, untouched, in the order of the file.
-- event_time is the message's own time; one hour after the file was written at the latest, 1970 where there is none (the decoder
-- refuses both and says why, and neither moves the watermark). A file has no record time and no record key. One file, one split:
-- splits read side by side would mix event times.
CREATE TEMPORARY TABLE telemetry_raw (
  message     BYTES,
  record_key  AS CAST(NULL AS BYTES),
  source      STRING METADATA FROM 'file.path' VIRTUAL,
  arrived_by  TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL,
  record_time AS CAST(NULL AS TIMESTAMP_LTZ(3)),
  proc_time   AS PROCTIME(),
  event_time  AS COALESCE(GREATEST(LEAST(
${MESSAGE_TIME},
    arrived_by + INTERVAL '1' HOUR), TO_TIMESTAMP_LTZ(0, 3)), TO_TIMESTAMP_LTZ(0, 3)),
  WATERMARK FOR event_time AS IF(event_time >= arrived_by + INTERVAL '1' HOUR, TO_TIMESTAMP_LTZ(0, 3), LEAST(event_time, arrived_by))
    - INTERVAL '${LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'raw'
)
