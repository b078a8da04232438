-- Every message that was left out.
INSERT INTO store_refusals_out (
  source, topic, reason
)
SELECT
  source, topic, reason
FROM unstorable
