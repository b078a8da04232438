-- Ends a successful restore: drops the previous schema, with all views and functions of others that used it (CASCADE).
DROP SCHEMA fire_replaced CASCADE
