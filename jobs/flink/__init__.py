"""The environment, the SQL files and the connectors that the Flink jobs share."""
