-- Which messages were refused, and why? One row per refused message, with its position, its first bytes, and the size and digest
-- of the whole.
CREATE TEMPORARY VIEW refused AS
SELECT
  source,
  record_time,
  r.reason AS reason,
  r.kept_message AS message,
  r.size_bytes AS size_bytes,
  r.sha256 AS sha256,
  r.is_cut AS is_cut
FROM decoded
WHERE r.reason IS NOT NULL
