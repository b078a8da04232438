-- Which transitions are history? One row per usable transition. An alert has one OPENED, and an ESCALATED for each level, but
-- many reminders; occasion tells those apart.
CREATE TEMPORARY VIEW alert_transitions_usable AS
SELECT *, CASE WHEN transition = 'REMINDED' THEN event_time ELSE opened_at END AS occasion
FROM alerts_usable
WHERE transition IS NOT NULL
