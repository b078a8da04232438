"""Formats of notifications: pure functions from a notice to what one service accepts, within its limits."""
