-- Every usable spike of risk.
INSERT INTO risk_spikes_out (
  device_id, minute_end, schema_version, site_id, risk_score, previous_risk_score, risk_change
)
SELECT
  device_id, minute_end, schema_version, site_id, risk_score, previous_risk_score, risk_change
FROM derived_checked
WHERE kind = 'risk_spikes' AND fault IS NULL
