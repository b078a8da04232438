-- Has the embedded server its database? One row if so; without the database the role is made (again) too.
SELECT 1 FROM pg_database WHERE datname = 'fire'
