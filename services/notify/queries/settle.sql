-- Records the outcome of an attempt. It does not overwrite a later attempt, made after this one's claim expired, unless the
-- outcome is that the notification was delivered.
UPDATE notifications SET state = %(state)s, due_at = coalesce(%(due_at)s, due_at), claimed_until = NULL,
    delivered_at = %(delivered_at)s, last_error = %(last_error)s
WHERE channel = %(channel)s AND idempotency_key = %(key)s AND state = 'PENDING'
    AND (attempts = %(attempt)s OR %(state)s = 'DELIVERED')
