"""The four Flink jobs: detect, alert, store and archive."""
