-- The columns of the site-risk topic; one row per site and minute.
CREATE TEMPORARY TABLE site_risk_columns (
  schema_version INT,
  site_id STRING,
  window_start STRING,
  window_end STRING,
  devices BIGINT,
  devices_high BIGINT,
  mean_risk DOUBLE,
  max_risk DOUBLE,
  site_risk DOUBLE,
  risk_level STRING
)
