-- Resolves an alert. A later resolution replaces an earlier one; both stay in the audit trail.
UPDATE alerts SET acknowledged_at = coalesce(acknowledged_at, %(now)s), acknowledged_by = coalesce(acknowledged_by, %(actor)s),
       resolved_at = %(now)s, resolved_by = %(actor)s, resolution = %(resolution)s,
       note = coalesce(%(note)s, note), note_at = CASE WHEN %(note)s::text IS NULL THEN note_at ELSE %(now)s END
WHERE alert_id = %(alert)s
RETURNING alert_id
