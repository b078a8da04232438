-- In which slices is the temperature ${EARLY_C} °C above that of its last ${RISE_SECONDS} s? One row per device and such slice.
-- The Java function slice_rises keeps the slices of each device's last ${NOISE_MINUTES} minutes. It costs one state access per
-- slice, and its rows are rare, so that what follows costs nothing.
CREATE TEMPORARY VIEW rising_slices AS
SELECT *
FROM slice_rises(
  slices => (SELECT * FROM temperature_slices) PARTITION BY device_id,
  slice_seconds => ${SLICE_SECONDS},
  step_slices => ${STEP_SLICES},
  rise_slices => ${RISE_SLICES},
  kept_slices => ${NOISE_SLICES},
  least_rise => CAST(${EARLY_C} AS DOUBLE),
  uid => 'slice_rises')
