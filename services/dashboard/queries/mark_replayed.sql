-- Says that a dead letter was corrected and sent again.
UPDATE dead_letters SET replayed_at = %(now)s, replayed_by = %(actor)s WHERE source = %(source)s
