"""The context of a device's minutes: trends and patterns over the hour."""
