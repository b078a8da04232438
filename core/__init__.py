"""Settings, errors, logs and connections that every other package may use."""
