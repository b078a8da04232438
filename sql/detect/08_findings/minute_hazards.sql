-- Which hazards last for a whole minute? One row per device, minute and kind of hazard.
-- Three kinds of findings of a minute; an overcurrent that the device reports and one that its current shows are the same hazard.
CREATE TEMPORARY VIEW minute_hazards AS
SELECT *, lasting_hazard AS hazard, IF(lasting_hazard = 'OVERCURRENT', COALESCE(overcurrent_level, 'MEDIUM'), 'MEDIUM') AS hazard_level
FROM minute_findings
WHERE lasting_hazard IS NOT NULL
UNION ALL
SELECT *, 'OVERCURRENT' AS hazard, overcurrent_level AS hazard_level
FROM minute_findings
WHERE overcurrent_level IS NOT NULL AND COALESCE(lasting_hazard, '') <> 'OVERCURRENT'
UNION ALL
SELECT *, 'SENSOR_FAULT' AS hazard, 'MEDIUM' AS hazard_level
FROM minute_findings
WHERE is_faulty
