-- A pair says how many devices of its site at risk were not compared with all others.
ALTER TABLE device_correlations ADD COLUMN devices_left_out bigint;
