"""Turns candidates into alerts: their life cycle, their rows and their explanations."""
