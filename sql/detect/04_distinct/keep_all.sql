-- Which readings count? One row per accepted message, for a fleet that never repeats a message.
CREATE TEMPORARY VIEW readings AS
SELECT *
FROM scored
