-- Which results could not be stored? One row per result, newest first.
SELECT source, topic, reason, refused_at FROM store_refusals ORDER BY refused_at DESC LIMIT %(limit)s
