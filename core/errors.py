"""The root of every error that a user can act on."""


class FireError(Exception):
    """Something cannot be done; the text is a sentence that names the subject, what arrived, and the remedy."""
