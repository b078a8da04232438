-- Fills the tables with earlier days in addition to the last hour, so that scanning them costs more than using an index.
INSERT INTO site_risk (site_id, window_end, window_start, schema_version, devices, devices_high, mean_risk, max_risk, site_risk,
                       risk_level)
SELECT site_id, window_end - make_interval(days => back), window_start - make_interval(days => back), 1, devices, devices_high,
       mean_risk, max_risk, site_risk, risk_level
FROM site_risk, generate_series(1, 8) AS back;
INSERT INTO readings (device_id, event_time, idx, schema_version, risk_score, risk_level, is_valid, is_late)
SELECT 'dev-' || to_char(number, 'FM00000'), %(now)s::timestamptz - make_interval(days => back), 1, 1, 0.0, 'NORMAL', true, false
FROM generate_series(0, 9999) AS number, unnest(ARRAY[1, 2, 3, 4, 5, 400]) AS back;
INSERT INTO device_correlations (site_id, window_end, window_start, device1, device2, schema_version, avg_risk)
SELECT 'site-' || number, %(now)s::timestamptz - make_interval(mins => back), %(now)s::timestamptz - make_interval(mins => back + 1),
       'dev-a', 'dev-b', 1, 0.5
FROM generate_series(0, 499) AS number, generate_series(10, 50) AS back;
INSERT INTO device_patterns (device_id, window_end, window_start, schema_version, minutes)
SELECT 'dev-' || to_char(number, 'FM00000'), %(now)s::timestamptz - make_interval(mins => 5 * back),
       %(now)s::timestamptz - make_interval(mins => 5 * back + 60), 1, 60
FROM generate_series(0, 9999) AS number, generate_series(1, 3) AS back;
ANALYZE;
