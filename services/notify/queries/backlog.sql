-- What has not been delivered: parked deliveries first, then the pending ones in the order in which they are taken.
SELECT channel, idempotency_key, state, level, subject, attempts, created_at, due_at, last_error
FROM notifications WHERE state <> 'DELIVERED'
ORDER BY state, is_urgent DESC, sequence LIMIT %(limit)s
