-- Which patterns did the device's latest hour show? One row, or none.
SELECT window_start, window_end, minutes, temperature_slope, temperature_change, risk_slope, arc_pattern, periodicity_minutes,
       risk_volatility, is_rapid_risk_change, is_sustained_high_risk, sensor_anomalies, trend, confidence
FROM device_patterns WHERE device_id = %(device)s ORDER BY window_end DESC LIMIT 1
