-- Reverts a failed restore: renames the previous schema back. pg_restore's single transaction left the new schema empty.
DROP SCHEMA public CASCADE; ALTER SCHEMA fire_replaced RENAME TO public
