-- Which deliveries have not succeeded? One row each: parked ones first, then pending ones in the order of claiming.
SELECT channel, idempotency_key, state, level, subject, attempts, created_at, due_at, last_error
FROM notifications WHERE state IN ('PENDING', 'PARKED')
ORDER BY state, is_urgent DESC, sequence LIMIT %(limit)s
