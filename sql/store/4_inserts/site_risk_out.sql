-- Every usable minute of a site.
INSERT INTO site_risk_out (
  site_id, window_end, schema_version, window_start, devices, devices_high, mean_risk, max_risk, site_risk, risk_level
)
SELECT
  site_id, window_end, schema_version, window_start, devices, devices_high, mean_risk, max_risk, site_risk, risk_level
FROM derived_checked
WHERE kind = 'site_risk' AND fault IS NULL
