-- Which patterns did the device's latest hour show? One row, or none.
SELECT window_start, window_end, minutes, temperature_slope, temperature_change, risk_slope, arc_pattern, arc_frequency, total_arcs,
       max_arc_count, periodicity_minutes, dominant_period_minutes, risk_volatility, is_rapid_risk_change, rapid_risk_change,
       rapid_risk_change_at, is_sustained_high_risk, high_risk_minutes, max_temperature, min_temperature, max_risk_score,
       min_risk_score, avg_risk_score, sensor_anomalies, anomalies, anomaly_count, trend, confidence, recommendations
FROM device_patterns WHERE device_id = %(device)s ORDER BY window_end DESC LIMIT 1
