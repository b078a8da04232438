"""Why a deployment ends before its end."""

from core.errors import FireError


class DeployError(FireError):
    """Something cannot be deployed; the text names it, what AWS said, and the remedy."""


class DeclinedError(FireError):
    """The person in front of it did not want a change."""
