"""`./fire bench`: measurements of throughput, latency and the dashboard."""
