-- Creates the role that owns the embedded server's database; the driver sets its password, so no SQL contains it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'fire') THEN
        CREATE ROLE fire LOGIN;
    END IF;
END
$$
