"""Live data of the dashboard: the event stream, the state of the pipeline, and caches."""
