"""The schema of the results database and its migrations."""
