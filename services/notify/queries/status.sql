-- How many deliveries are pending, parked, delivered, and delivered after more than one attempt? One row per channel.
SELECT channel, count(*) FILTER (WHERE state = 'PENDING') AS pending, count(*) FILTER (WHERE state = 'PARKED') AS parked,
    count(*) FILTER (WHERE state = 'DELIVERED') AS delivered,
    count(*) FILTER (WHERE state = 'DELIVERED' AND attempts > 1) AS repeated, max(delivered_at) AS last_delivered_at
FROM notifications GROUP BY channel ORDER BY channel
