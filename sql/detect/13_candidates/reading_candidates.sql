-- Which readings have level HIGH or CRITICAL? One row per device, alert type, level and minute, without delay.
-- READING_CANDIDATE stands for the subject and the finished message if the sinks take messages, and for all columns otherwise.
CREATE TEMPORARY VIEW reading_candidates AS
SELECT
  ${READING_CANDIDATE}
FROM first_readings
