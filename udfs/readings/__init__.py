"""Decodes and scores device messages."""

from pathlib import Path

FIRST_ARRIVALS = Path(__file__).with_name("FirstArrivals.java")
"""The function that recognises duplicates."""
