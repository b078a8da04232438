"""Logins kept in AWS Secrets Manager; settings name them by their ARN, and a job reads them when it starts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from core.errors import FireError


class SecretError(FireError):
    """A secret cannot be read or is no login; the text names its ARN and never its content."""


@dataclass(frozen=True)
class Login:
    """A user and a password that no log prints."""

    user: str
    password: str = field(repr=False)


def login(arn: str) -> Login:
    """The login in a secret, JSON with `username` and `password`, as RDS and MSK keep theirs.

    Credentials are those that the AWS SDK finds by itself: environment, profile, or the role of the application.

    Raises:
        SecretError: the secret cannot be read, or is not such a document.
    """
    try:
        document = json.loads(_content(arn))
        return Login(document["username"], document["password"])
    except (ValueError, KeyError, TypeError):
        # Without the cause: a decoder's error quotes what it could not read.
        raise SecretError(f"secret {arn} is no JSON object with username and password; store it in this form") from None


def _content(arn: str) -> str:
    import boto3  # type: ignore[import-untyped,unused-ignore]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]

    try:
        client = boto3.client("secretsmanager", region_name=_region(arn))
        content: str = client.get_secret_value(SecretId=arn)["SecretString"]
    except (BotoCoreError, ClientError) as problem:
        raise SecretError(f"secret {arn} cannot be read: {problem}; allow secretsmanager:GetSecretValue on it to the role of "
                          "the application") from problem
    return content


def _region(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) != 7 or parts[2] != "secretsmanager":
        raise SecretError(f"{arn!r} is no ARN of a secret; use arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME")
    return parts[3]
