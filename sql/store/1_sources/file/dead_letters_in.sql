-- Which messages did the jobs refuse, and why? One row per message of the topic; `source` is where the refused one lies.
-- From files of JSON lines; a line has no offset, so its own position is named by a digest of what it says.
CREATE TABLE dead_letters_in (
  source         STRING,
  schema_version INT,
  record_time    STRING,
  reason         STRING,
  message        STRING,
  topic      AS 'dead-letters',
  `position` AS CONCAT('dead-letters#', MD5(CONCAT_WS('|', source, record_time, reason, message)))
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}/dead_letters.jsonl',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true',
  'json.decode.json-parser.enabled' = 'false'
)
