-- Which transitions would have been told? One line per transition, in the order in which a subject's life took them.
CREATE TABLE alerts (
  alert         STRING NOT NULL
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_OUTPUT}/alerts',
  'format' = 'raw'
)
