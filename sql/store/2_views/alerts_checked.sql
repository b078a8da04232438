-- Which transitions and updates of alerts can be stored? One row per message that is JSON; fault says why a row can not, null
-- means it can.
-- The limits are those of readings_checked. A NUL in a text is taken out and a list that is none becomes null: an alert
-- without its explanation is better than none.
CREATE TEMPORARY VIEW alerts_checked AS
SELECT
  alert_id, transition, level, schema_version, subject, site_id, alert_type, peak_level, risk_score, peak_risk_score,
  candidate_count, base_risk, floor_risk, rule_risk, status_risk, pattern_risk, confidence, max_temperature, voltage,
  `current`, leakage_current, resistive_leakage, arc_count, co_gas, voc, status_bits, event_time, opened_at,
  last_candidate_at, last_seen, was_held,
  REGEXP_EXTRACT(JSON_QUERY(explanation, '$'), '${LIST}') AS explanation,
  REPLACE(message_ko, U&'\0000', '') AS message_ko,
  REPLACE(message_en, U&'\0000', '') AS message_en,
  REGEXP_EXTRACT(JSON_QUERY(recommendations_ko, '$'), '${LIST}') AS recommendations_ko,
  REGEXP_EXTRACT(JSON_QUERY(recommendations_en, '$'), '${LIST}') AS recommendations_en,
  CASE WHEN REGEXP(subject_kind, '${WORD}') THEN subject_kind END AS subject_kind,
  CASE WHEN REGEXP(DECODE(ENCODE(cause, 'UTF-8'), 'ISO-8859-1'), '${NAME}') THEN cause END AS cause,
  CASE WHEN REGEXP(DECODE(ENCODE(profile_version, 'UTF-8'), 'ISO-8859-1'), '${NAME}')
    THEN profile_version END AS profile_version,
  topic, source,
  CASE
    WHEN REGEXP(DECODE(ENCODE(alert_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE
      THEN 'alert_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(DECODE(ENCODE(subject, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE
      THEN 'subject must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(DECODE(ENCODE(site_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS FALSE
      THEN 'site_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(transition, '${WORD}') IS FALSE OR (transition IS NULL AND topic <> '${STATE_TOPIC}')
      THEN 'transition must be a word in capital letters'
    WHEN REGEXP(alert_type, '${WORD}') IS NOT TRUE THEN 'alert_type must be a word in capital letters'
    WHEN REGEXP(level, '${WORD}') IS NOT TRUE THEN 'level must be a word in capital letters'
    WHEN REGEXP(peak_level, '${WORD}') IS FALSE THEN 'peak_level must be a word in capital letters'
    WHEN REGEXP(event_time, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(event_time, 10) AS DATE) IS NULL
      THEN 'event_time must be a time like 2025-10-09T09:00:00.959Z'
    WHEN REGEXP(opened_at, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(opened_at, 10) AS DATE) IS NULL
      THEN 'opened_at must be a time like 2025-10-09T09:00:00.959Z'
    WHEN last_candidate_at IS NOT NULL AND (REGEXP(last_candidate_at, '${TIME}') IS FALSE
      OR TRY_CAST(LEFT(last_candidate_at, 10) AS DATE) IS NULL)
         THEN 'last_candidate_at must be a time like 2025-10-09T09:00:00.959Z'
    WHEN last_seen IS NOT NULL AND (REGEXP(last_seen, '${TIME}') IS FALSE
      OR TRY_CAST(LEFT(last_seen, 10) AS DATE) IS NULL)
         THEN 'last_seen must be a time like 2025-10-09T09:00:00.959Z'
    WHEN schema_version IS NULL THEN 'schema_version must be a number'
  END AS fault
FROM alerts_in
