-- Creates the database of the embedded server, owned by the role that migrates and writes it.
CREATE DATABASE fire OWNER fire
