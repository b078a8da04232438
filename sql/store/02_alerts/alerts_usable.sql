-- What does each usable row change in its alert? One row per transition and update.
-- An update has the state UPDATED, which ranks below every other, so that the database takes only its counts and peaks
-- (fire_merge_alert).
CREATE TEMPORARY VIEW alerts_usable AS
SELECT
  *,
  COALESCE(transition, 'UPDATED') AS state,
  CASE WHEN transition = 'CLEARED' THEN event_time END AS cleared_at,
  CASE WHEN transition = 'REMINDED' THEN event_time END AS reminded_at
FROM alerts_checked
WHERE fault IS NULL
