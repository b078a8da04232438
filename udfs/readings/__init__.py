"""Decoding and scoring of device messages."""
