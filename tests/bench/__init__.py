"""Comparisons of the pipeline with others."""
