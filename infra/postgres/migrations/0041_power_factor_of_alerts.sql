-- An alert has the power factor of its candidate, like its other measurements.
ALTER TABLE alerts ADD COLUMN power_factor double precision;
ALTER TABLE alert_transitions ADD COLUMN power_factor double precision;
