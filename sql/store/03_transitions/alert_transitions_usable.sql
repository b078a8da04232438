-- Which transitions belong to the history of alerts? One row per usable transition.
-- An alert has one OPENED, one ESCALATED per level and one CLEARED, but many reminders; the column occasion distinguishes those.
CREATE TEMPORARY VIEW alert_transitions_usable AS
SELECT *, CASE WHEN transition = 'REMINDED' THEN event_time ELSE opened_at END AS occasion
FROM alerts_usable
WHERE transition IS NOT NULL
