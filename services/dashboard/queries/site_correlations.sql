-- Which pairs of devices of a site were reported since a time? One row per pair and minute, worst first.
SELECT window_start, window_end, device1, device2, temp_diff, risk_diff, avg_risk, correlation_type, devices_left_out
FROM device_correlations
WHERE site_id = %(site)s AND window_end > %(since)s
ORDER BY avg_risk DESC NULLS LAST, window_end DESC, device1, device2 LIMIT %(limit)s
