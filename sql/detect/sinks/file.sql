-- A result as JSON lines below a folder of its own. A template; the job declares it once for each result.
CREATE TEMPORARY TABLE ${RESULT}_out WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_OUTPUT}/${RESULT}',
  'format' = 'json'
) LIKE ${RESULT}_columns
