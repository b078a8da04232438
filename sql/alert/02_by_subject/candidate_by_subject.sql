-- Whose candidate is it? One row per message; life, its kind of subject and subject, keys the life cycle: a site may be called
-- like a device. What is not JSON, or names no subject, gets the empty subject; the life cycle refuses it with the reason.
CREATE TEMPORARY VIEW candidate_by_subject AS
SELECT
  COALESCE(JSON_VALUE(CAST(candidate AS STRING), '$.subject_kind'), '') || ' '
    || COALESCE(JSON_VALUE(CAST(candidate AS STRING), '$.subject'), '')   AS life,
  COALESCE(JSON_VALUE(CAST(candidate AS STRING), '$.subject'), '')        AS subject,
  candidate,
  source,
  DATE_FORMAT(record_time, '${ISO_TIME}')            AS record_time
FROM candidates_raw
