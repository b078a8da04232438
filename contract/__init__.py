"""Facts that the whole project shares, each declared once."""
