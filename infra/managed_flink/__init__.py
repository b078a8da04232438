"""The package for Amazon Managed Service for Apache Flink."""
