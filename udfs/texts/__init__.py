"""Writes the texts of alerts in English and Korean."""
