-- How many rows of a fleet are stored? One row: readings, alerts and transitions of the devices whose id has a prefix.
SELECT
    (SELECT count(*) FROM readings WHERE starts_with(device_id, %(prefix)s)) AS readings,
    (SELECT count(*) FROM alerts WHERE starts_with(subject, %(prefix)s)) AS alerts,
    (SELECT count(*) FROM alert_transitions WHERE starts_with(subject, %(prefix)s)) AS transitions;
