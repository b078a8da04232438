-- The role that owns the database on the embedded server; its password is set by the driver, never written in SQL.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'fire') THEN
        CREATE ROLE fire LOGIN;
    END IF;
END
$$
