"""The exporter that serves the system's metrics to Prometheus."""
