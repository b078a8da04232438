-- Deletes deliveries that were delivered or parked more than `days` days ago.
SELECT fire_expire_notifications(%(days)s)
