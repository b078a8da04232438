-- What lies in the files at all? One row per line, untouched, to find those that the JSON sources pass over.
CREATE TABLE raw_in (
  message BYTES,
  topic   STRING METADATA FROM 'file.name' VIRTUAL,
  source  AS CONCAT(topic, '#', MD5(DECODE(message, 'UTF-8')))
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}',
  'format' = 'raw'
)
