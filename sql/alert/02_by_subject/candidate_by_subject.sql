-- Which subject does each candidate belong to? One row per record. The column life, which keys the life cycle, includes the kind
-- of subject, because a site and a device may have the same id. A record that is not JSON or names no subject has the empty
-- subject; the life cycle refuses it with a reason.
CREATE TEMPORARY VIEW candidate_by_subject AS
SELECT
  COALESCE(JSON_VALUE(CAST(candidate AS STRING), '$.subject_kind'), '') || ' '
    || COALESCE(JSON_VALUE(CAST(candidate AS STRING), '$.subject'), '')   AS life,
  COALESCE(JSON_VALUE(CAST(candidate AS STRING), '$.subject'), '')        AS subject,
  candidate,
  source,
  DATE_FORMAT(record_time, '${ISO_TIME}')            AS record_time
FROM candidates_raw
