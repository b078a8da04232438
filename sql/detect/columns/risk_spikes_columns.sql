-- The columns of the risk-spikes topic; one row per device and minute whose risk jumped.
CREATE TEMPORARY TABLE risk_spikes_columns (
  schema_version INT,
  device_id STRING,
  site_id STRING,
  minute_end STRING,
  risk_score DOUBLE,
  previous_risk_score DOUBLE,
  risk_change DOUBLE
)
