-- A restore succeeded: what was there before goes, views and functions of others that used it too (CASCADE).
DROP SCHEMA fire_replaced CASCADE
