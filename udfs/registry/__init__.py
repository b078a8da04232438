"""The device registry: sites, profiles and maintenance windows."""
