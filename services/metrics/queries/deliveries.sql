-- How many deliveries are pending, parked and delivered? One row per channel, with the wait of the oldest pending delivery since
-- its first attempt was due. The wait is never negative, even if the clock was set back. DELIVERED rows expire, so their count may
-- fall.
SELECT channel, count(*) FILTER (WHERE state = 'PENDING') AS pending, count(*) FILTER (WHERE state = 'PARKED') AS parked,
    count(*) FILTER (WHERE state = 'DELIVERED') AS delivered,
    greatest(extract(epoch FROM now() - min(coalesce(planned_at, created_at)) FILTER (WHERE state = 'PENDING')), 0
        )::double precision AS oldest_wait
FROM notifications
GROUP BY channel
ORDER BY channel
