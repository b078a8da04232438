-- How do open alerts stand between their transitions? One line per alert and minute in which its count, last time or peak changed.
CREATE TABLE alert_state (
  alert         STRING NOT NULL
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_OUTPUT}/alert_state',
  'format' = 'raw'
)
