-- Is the message of a dead letter whole, and how large was it? One row, or none where there is no such dead letter.
SELECT is_cut, size_bytes FROM dead_letters WHERE source = %(source)s
