-- Marks a dead letter as corrected and sent again.
UPDATE dead_letters SET replayed_at = %(now)s, replayed_by = %(actor)s WHERE source = %(source)s
