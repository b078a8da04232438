-- What does each usable message make of its alert? One row per transition and update. A row without a transition brings an alert
-- up to date: its state UPDATED lies before all others, so that the database takes its counts and peaks and nothing else
-- (fire_merge_alert).
CREATE TEMPORARY VIEW alerts_usable AS
SELECT
  *,
  COALESCE(transition, 'UPDATED') AS state,
  CASE WHEN transition = 'CLEARED' THEN event_time END AS cleared_at,
  CASE WHEN transition = 'REMINDED' THEN event_time END AS reminded_at
FROM alerts_checked
WHERE fault IS NULL
