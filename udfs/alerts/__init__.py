"""Candidates and the life cycle of alerts."""
