-- What does a message state as its time? A text of at most 64 characters, an expression over `message` that reads it by JSON path.
-- NaN and Infinity outside of quotes, which the decoder reads and Flink's parser does not, become null before.
LEFT(JSON_VALUE(
        REGEXP_REPLACE(CAST(message AS STRING), '(?<=[:,\[\s])(?:NaN|-?Infinity)(?=\s*[,}\]])', 'null'),
        '$.timestamp'), 64)
