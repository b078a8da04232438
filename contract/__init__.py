"""The facts that the whole project shares, each declared once, and what is rendered from them."""
