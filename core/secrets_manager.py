"""Reads logins from AWS Secrets Manager; settings name a secret by its ARN, and a job reads it when it starts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from core.errors import FireError


class SecretError(FireError):
    """A secret cannot be read or does not hold a login; the text names its ARN and never its content."""


@dataclass(frozen=True)
class Login:
    """A user and a password; the password is left out of the representation, and so of logs."""

    user: str
    password: str = field(repr=False)


def login(arn: str) -> Login:
    """Returns the login in a secret, a JSON object with `username` and `password` as RDS and MSK store theirs.

    The AWS SDK finds its credentials itself: in the environment, a profile, or the role of the application.

    Raises:
        SecretError: the secret cannot be read, or is not such an object.
    """
    try:
        document = json.loads(_content(arn))
        return Login(document["username"], document["password"])
    except (ValueError, KeyError, TypeError):
        # Without its cause, because a decoder's error quotes the text, here the secret.
        raise SecretError(f"secret {arn} is not a JSON object with username and password; store it in this form") from None


def _content(arn: str) -> str:
    import boto3  # type: ignore[import-untyped,unused-ignore]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]

    try:
        client = boto3.client("secretsmanager", region_name=_region(arn))
        content: str = client.get_secret_value(SecretId=arn)["SecretString"]
    except (BotoCoreError, ClientError) as problem:
        raise SecretError(f"secret {arn} cannot be read: {problem}; allow secretsmanager:GetSecretValue on it for the "
                          "application's role") from problem
    return content


def _region(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) != 7 or parts[2] != "secretsmanager":
        raise SecretError(f"{arn!r} is not the ARN of a secret; use arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME")
    return parts[3]
