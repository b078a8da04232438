-- Which messages are no JSON objects in UTF-8? One row per message; the JSON sources gave no row for it.
CREATE TEMPORARY VIEW unreadable AS
SELECT source, topic, 'the message must be a JSON object in UTF-8' AS reason
FROM raw_in
WHERE message IS NULL OR NOT (DECODE(message, 'UTF-8') IS JSON OBJECT)
  OR ENCODE(DECODE(message, 'UTF-8'), 'UTF-8') <> message
