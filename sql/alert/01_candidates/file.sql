-- What may deserve an alert? One row per line of a file, in the order of the file.
-- Filesystem source. It has no record time, and splits files of more than one block (32 MiB) unless they are gzipped; splits may
-- be read in any order.
CREATE TEMPORARY TABLE candidates_raw (
  candidate     BYTES,
  source        STRING NOT NULL METADATA FROM 'file.path' VIRTUAL,
  record_time   AS CAST(NULL AS TIMESTAMP_LTZ(3))
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'raw'
)
