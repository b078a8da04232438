-- Has stored data changed? One row whose values differ from those of the previous call if it has.
-- The newest change of a device needs all of device_state: an index would cost a write for every reading.
SELECT (SELECT max(updated_at) FROM device_state) AS devices,
       (SELECT max(event_time) FROM alert_transitions) AS transitions,
       (SELECT max(sequence) FROM dashboard_actions) AS actions,
       (SELECT max(received_at) FROM dead_letters) AS dead_letters
