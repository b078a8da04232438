-- Forgets what was settled long ago.
SELECT fire_expire_notifications(%(days)s)
