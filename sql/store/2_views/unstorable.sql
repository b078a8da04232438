-- Which messages were left out, and why? One row per message.
CREATE TEMPORARY VIEW unstorable AS
SELECT source, topic, reason FROM unreadable
UNION ALL SELECT source, topic, fault FROM readings_checked WHERE fault IS NOT NULL
UNION ALL SELECT source, topic, fault FROM device_minutes_checked WHERE fault IS NOT NULL
UNION ALL SELECT source, topic, fault FROM device_5min_aggregates_checked WHERE fault IS NOT NULL
UNION ALL SELECT source, topic, fault FROM derived_checked WHERE fault IS NOT NULL
UNION ALL SELECT source, topic, fault FROM alerts_checked WHERE fault IS NOT NULL
UNION ALL SELECT `position`, topic, fault FROM dead_letters_checked WHERE fault IS NOT NULL
