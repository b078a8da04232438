-- The alert of a site names its devices, one id a line.
ALTER TABLE alerts ADD COLUMN device_names text;
ALTER TABLE alert_transitions ADD COLUMN device_names text;
