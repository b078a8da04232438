-- Which devices warm up as nothing but heat explains, and at which sites do several? One row per device and slice.
-- The rise exceeds the device's own noise and starts before the slice, as a fall within it is none; and the device reports at
-- least once per slice, of which one may be missing. The OVER window is over rows that are rare; the lowest and the highest name
-- of a site's devices differ if there are several.
CREATE TEMPORARY VIEW warming_devices AS
SELECT
  *,
  CASE
    WHEN site_id IS NOT NULL AND MIN(device_id) OVER lately <> MAX(device_id) OVER lately THEN 'HIGH'
    ELSE 'MEDIUM'
  END AS level
FROM (
  SELECT
    device_id,
    site_id,
    profile_version,
    held_until,
    worst_reading,
    slice_end,
    slice_time,
    highest,
    lowest_60s,
    ROUND(highest - lowest_60s, ${DECIMALS}) AS temperature_rise,
    ROUND(GREATEST(noise, ${NOISE_LEAST_C}), ${DECIMALS}) AS noise
  FROM rising_slices
  WHERE ROUND(highest - lowest_before, ${DECIMALS}) >= GREATEST(${EARLY_C}, ROUND(${EARLY_NOISES} * noise, ${DECIMALS}))
    AND slices_60s >= ${EARLY_LEAST_SLICES} AND slices_60s >= span_60s - 1
)
WINDOW lately AS (
  PARTITION BY site_id ORDER BY slice_time RANGE BETWEEN INTERVAL '${RISE_SECONDS}' SECOND PRECEDING AND CURRENT ROW)
