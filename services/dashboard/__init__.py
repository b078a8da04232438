"""The dashboard: a web application over the results database, Kafka and Flink."""
