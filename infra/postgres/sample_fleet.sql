-- Inserts a fleet for tests and measurements of the dashboard: the ten minutes before %(now)s of devices, sites and alerts.
INSERT INTO device_minutes (device_id, minute_end, minute_start, schema_version, site_id, record_count, max_temperature,
                            total_arcs, avg_current, avg_co_gas, avg_voc, risk_score, risk_level, profile_version)
SELECT 'dev-' || to_char(number, 'FM00000'), minute, minute - interval '1 minute', 1, 'site-' || number / 20, 60, 31.5, 0, 6.0,
       0.9, 79.0, 0.1, 'NORMAL', '1'
FROM generate_series(0, %(devices)s - 1) AS number,
     generate_series(date_trunc('minute', %(now)s::timestamptz) - interval '9 minutes', date_trunc('minute', %(now)s::timestamptz),
                     interval '1 minute') AS minute;
INSERT INTO readings (device_id, event_time, idx, schema_version, site_id, status_bits, voltage, current, pcb_temperature,
                      max_temperature, arc_count, total_alarm_count, risk_score, risk_level, is_valid, is_late, invalid_fields)
SELECT 'dev-' || to_char(number, 'FM00000'), %(now)s::timestamptz - make_interval(secs => 10 * back), 100 - back, 1,
       'site-' || number / 20, CASE WHEN number %% 5 = 0 THEN 2112 ELSE 0 END, 220.5, 6.0, 30.0 + number %% 40,
       30.0 + number %% 40, number %% 5, CASE WHEN number %% 5 = 0 THEN 2 ELSE 0 END, (number %% 10) / 10.0,
       (ARRAY['NORMAL', 'NORMAL', 'LOW', 'LOW', 'MEDIUM', 'MEDIUM', 'HIGH', 'HIGH', 'CRITICAL', 'CRITICAL'])[number %% 10 + 1],
       number <> 1, back = 4 AND number = 2, CASE WHEN number = 1 THEN '["voltage"]'::jsonb ELSE '[]'::jsonb END
FROM generate_series(0, %(devices)s - 1) AS number, generate_series(0, 4) AS back;
UPDATE device_state SET last_seen = %(now)s::timestamptz - interval '2 hours' WHERE device_id LIKE '%%9';
INSERT INTO site_risk (site_id, window_end, window_start, schema_version, devices, devices_high, mean_risk, max_risk, site_risk,
                       risk_level)
SELECT 'site-' || number, minute, minute - interval '1 minute', 1, 20, number %% 3, 0.3, 0.7, 0.2 * (number %% 5),
       (ARRAY['NORMAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'])[number %% 5 + 1]
FROM generate_series(0, (%(devices)s - 1) / 20) AS number,
     generate_series(date_trunc('minute', %(now)s::timestamptz) - interval '9 minutes', date_trunc('minute', %(now)s::timestamptz),
                     interval '1 minute') AS minute;
INSERT INTO alerts (alert_id, schema_version, state, subject, subject_kind, site_id, alert_type, level, peak_level, risk_score,
                    peak_risk_score, candidate_count, explanation, max_temperature, voltage, current, arc_count, status_bits,
                    event_time, opened_at, last_candidate_at, cleared_at, message_ko, message_en, recommendations_ko,
                    recommendations_en)
SELECT 'alert-' || to_char(number, 'FM00000'), 1, CASE WHEN number < %(alerts)s THEN 'OPENED' ELSE 'CLEARED' END,
       'dev-' || to_char(number %% %(devices)s, 'FM00000'), 'DEVICE', 'site-' || number %% %(devices)s / 20,
       (ARRAY['TEMPERATURE_CRITICAL', 'ARC_DETECTED', 'GAS_DETECTION'])[number %% 3 + 1],
       (ARRAY['HIGH', 'CRITICAL', 'MEDIUM', 'HIGH'])[number %% 4 + 1], (ARRAY['HIGH', 'CRITICAL', 'MEDIUM', 'HIGH'])[number %% 4 + 1],
       0.6, 0.8, 3, %(explanation)s::jsonb, 72.4, 220.5, 6.0, 2, 2112, opened, opened, opened,
       CASE WHEN number >= %(alerts)s THEN opened + interval '6 minutes' END, '[경계] 고온 감지', '[HIGH] High temperature detected',
       '["전원 차단을 검토하십시오."]', '["Consider cutting off the power."]'
FROM generate_series(0, 2 * %(alerts)s - 1) AS number,
     LATERAL (SELECT %(now)s::timestamptz - make_interval(secs => 60 + 7 * number) AS opened) AS at;
INSERT INTO alert_transitions (alert_id, transition, level, schema_version, subject, site_id, alert_type, risk_score, event_time,
                               opened_at, occasion, message_en, message_ko)
SELECT alert_id, 'OPENED', level, 1, subject, site_id, alert_type, risk_score, opened_at, opened_at, opened_at, message_en,
       message_ko
FROM alerts;
INSERT INTO device_correlations (site_id, window_end, window_start, device1, device2, schema_version, temp_diff, risk_diff,
                                 avg_risk, correlation_type)
SELECT 'site-0', %(now)s::timestamptz - make_interval(mins => number), %(now)s::timestamptz - make_interval(mins => number + 1),
       'dev-00008', 'dev-00009', 1, 1.5, 0.1, 0.1 * number, 'SYNCHRONIZED_RISK'
FROM generate_series(1, 8) AS number;
INSERT INTO device_patterns (device_id, window_end, window_start, schema_version, minutes, temperature_slope, trend, confidence,
                             sensor_anomalies, is_rapid_risk_change, is_sustained_high_risk)
SELECT 'dev-00008', %(now)s::timestamptz - interval '2 minutes', %(now)s::timestamptz - interval '62 minutes', 1, 60, 0.4,
       'RISING', 0.9, '[]', false, true;
INSERT INTO dead_letters (source, schema_version, reason, message, received_at)
SELECT 'telemetry[0]@' || number, 1, 'deviceId is missing; a message must say which device sent it',
       CASE WHEN number = 1 THEN '/w==' WHEN number = 2 THEN NULL ELSE 'e30=' END,
       %(now)s::timestamptz - make_interval(mins => number)
FROM generate_series(1, 30) AS number;
INSERT INTO store_refusals (source, topic, reason) VALUES ('readings[0]@1', 'readings', 'the message must be a JSON object');
ANALYZE;
