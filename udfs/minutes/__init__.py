"""Judges a device's minutes in the context of the hour: their risk, and the patterns of the hour."""
