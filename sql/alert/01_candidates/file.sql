-- What may deserve an alert? One row per line of a file, in the order of the file, which is the order of availability.
-- A file has no record time. Files above one block (32 MiB) are split unless gzipped, and splits may be read in any order.
CREATE TEMPORARY TABLE candidates_raw (
  candidate     BYTES,
  source        STRING NOT NULL METADATA FROM 'file.path' VIRTUAL,
  record_time   AS CAST(NULL AS TIMESTAMP_LTZ(3))
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'raw'
)
