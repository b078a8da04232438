-- What has to be delivered still, and what was given up? One row a channel; the wait is that of the oldest pending delivery.
-- A clock that was set back gives 0, never a negative wait; DELIVERED rows go after the retention, so counts may fall.
SELECT channel, count(*) FILTER (WHERE state = 'PENDING') AS pending, count(*) FILTER (WHERE state = 'PARKED') AS parked,
    count(*) FILTER (WHERE state = 'DELIVERED') AS delivered,
    greatest(extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'PENDING')), 0)::double precision AS oldest_wait
FROM notifications
GROUP BY channel
ORDER BY channel
