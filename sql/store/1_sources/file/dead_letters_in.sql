-- Which messages did the jobs refuse, and why? One row per message of the topic; `source` is where the refused one lies.
-- From files of JSON lines; a line has no offset, so its own position is named by a digest of its key.
CREATE TABLE dead_letters_in (
  source         STRING,
  schema_version INT,
  record_time    STRING,
  reason         STRING,
  message        STRING,
  size_bytes     BIGINT,
  sha256         STRING,
  is_cut         BOOLEAN,
  topic      AS 'dead-letters',
  `position` AS CONCAT('dead-letters#', MD5(source))
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}/dead_letters.jsonl',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true',
  'json.decode.json-parser.enabled' = 'false'
)
