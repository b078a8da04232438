"""Texts of alerts and measurements in English and Korean."""
