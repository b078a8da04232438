-- Makes way for a backup without losing what is there: it stays under another name until the restore has succeeded.
-- Fails where an interrupted restore left that name behind. The database's owner may do both (pg_database_owner owns public).
ALTER SCHEMA public RENAME TO fire_replaced; CREATE SCHEMA public
