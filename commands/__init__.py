"""Commands of `./fire`: everything that a person starts and waits for."""
