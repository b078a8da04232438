"""The embedded stack of one machine: its installation, its processes and their configuration."""
