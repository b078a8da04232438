"""Reads the device registry and looks up devices: sites, profiles and maintenance windows."""
