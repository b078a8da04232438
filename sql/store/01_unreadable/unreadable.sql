-- Which records are not JSON objects in UTF-8? One row per record; the sources that read JSON skip these.
CREATE TEMPORARY VIEW unreadable AS
SELECT source, topic, 'the message must be a JSON object in UTF-8' AS reason
FROM raw_in
WHERE message IS NULL OR NOT (DECODE(message, 'UTF-8') IS JSON OBJECT)
  OR ENCODE(DECODE(message, 'UTF-8'), 'UTF-8') <> message
