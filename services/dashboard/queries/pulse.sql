-- Has anything changed? One row whose values differ from the last one's if so.
-- The newest change of a device reads all of device_state: an index on it would cost a write for every reading.
SELECT (SELECT max(updated_at) FROM device_state) AS devices,
       (SELECT max(event_time) FROM alert_transitions) AS transitions,
       (SELECT max(sequence) FROM dashboard_actions) AS actions,
       (SELECT max(received_at) FROM dead_letters) AS dead_letters
