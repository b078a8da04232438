-- Which readings count? All of them: for a fleet that is known never to repeat a message.
CREATE TEMPORARY VIEW readings AS
SELECT *
FROM scored
