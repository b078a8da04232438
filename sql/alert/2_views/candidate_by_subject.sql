-- Whose candidate is it? One row per message, with the subject that keys the life cycle.
-- What is not JSON, or names no subject, gets the empty subject; the life cycle refuses it with the reason.
CREATE TEMPORARY VIEW candidate_by_subject AS
SELECT
  COALESCE(JSON_VALUE(CAST(candidate AS STRING), '$.subject'), '')        AS subject,
  candidate,
  source,
  DATE_FORMAT(record_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''')            AS record_time
FROM candidates_raw
