-- Which messages count nowhere, and why? One row per refused message, and per message that repeats the key of a reading with other
-- measurements, of which only the first is a reading.
CREATE TEMPORARY VIEW dead_letters AS
SELECT
  source,
  record_time,
  reason,
  message,
  size_bytes,
  sha256,
  is_cut
FROM (
  SELECT *
  FROM refused
  UNION ALL
  SELECT
    source,
    record_time,
    'same key, other content: an earlier message of this device has the same idx and time, and other measurements',
    kept_message,
    size_bytes,
    sha256,
    is_cut
  FROM compared
  WHERE is_conflict
)
