"""The base class of every error that a user can act on."""


class FireError(Exception):
    """An error that a user can act on; its text is a sentence that names the subject, what arrived and the remedy."""
