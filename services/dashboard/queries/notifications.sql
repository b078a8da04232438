-- How many notifications of the last week are delivered, pending and parked? One row per channel.
SELECT channel, count(*) FILTER (WHERE state = 'PENDING') AS pending, count(*) FILTER (WHERE state = 'PARKED') AS parked,
       count(*) FILTER (WHERE state = 'DELIVERED') AS delivered, max(delivered_at) AS last_delivered_at
FROM notifications WHERE created_at > %(since)s GROUP BY channel ORDER BY channel
