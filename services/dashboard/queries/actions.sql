-- Who did what to an alert or a dead letter? One row per action, newest first.
SELECT acted_at, actor, action, details->>'resolution' AS resolution, details->>'note' AS note FROM dashboard_actions
WHERE subject = %(subject)s ORDER BY sequence DESC LIMIT %(limit)s
