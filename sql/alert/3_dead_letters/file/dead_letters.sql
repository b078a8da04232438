-- Which candidates could not be used? One line per refused candidate: reason, file and the first bytes.
CREATE TABLE dead_letters (
  dead_letter   STRING NOT NULL
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_OUTPUT}/dead_letters',
  'format' = 'raw'
)
