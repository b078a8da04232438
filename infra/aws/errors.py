"""Errors that end a deployment early."""

from core.errors import FireError


class DeployError(FireError):
    """A deployment failed; the text names the part, AWS's answer and the remedy."""


class DeclinedError(FireError):
    """The user declined a change."""
