-- What would the message be if its sender had written null where JSON has no number? An expression over `message`: NaN and Infinity
-- outside of quotes, which the decoder reads and Flink's parser does not, become null.
REGEXP_REPLACE(CAST(message AS STRING), '([:,\[]\s*)(?:NaN|-?Infinity)(?=\s*[,}\]])', '$1null')
