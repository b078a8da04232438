-- Does the embedded server have its database? One row if so; otherwise both the role and the database are created.
SELECT 1 FROM pg_database WHERE datname = 'fire'
