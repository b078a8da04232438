"""Decodes and scores device messages."""
