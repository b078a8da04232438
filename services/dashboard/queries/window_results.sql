-- What does a window result say of one subject? A page of its rows, the newest first. The names in braces come from the contract:
-- the table, the columns, the subject's column, and the rest of the key, which orders rows and continues after a cursor.
SELECT {columns} FROM {table}
WHERE {subject} = %(subject)s AND (%(is_first)s OR ({key}) < ({after}))
ORDER BY {order} LIMIT %(limit)s
