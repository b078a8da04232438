-- Makes room for a backup and keeps the present schema under another name until the restore has succeeded.
-- Fails if an interrupted restore left that name behind. The database's owner may do both (pg_database_owner owns public).
ALTER SCHEMA public RENAME TO fire_replaced; CREATE SCHEMA public
