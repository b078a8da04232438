"""The AWS account that is deployed to, as the AWS SDK finds it: profile, region, credentials, endpoint."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped,unused-ignore]
from botocore.config import Config  # type: ignore[import-untyped,unused-ignore]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]

from infra.aws.errors import DeployError


@dataclass(frozen=True)
class Cloud:
    """An account in a region; `endpoint_url` replaces AWS's own addresses, `pace` is seconds between two looks."""

    region: str
    endpoint_url: str | None = None
    pace: float = 5.0

    @functools.cache  # noqa: B019 -- one cloud a process
    def client(self, service: str) -> Any:
        """A client of one service."""
        settings = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10)
        return boto3.session.Session(region_name=self.region).client(service, endpoint_url=self.endpoint_url, config=settings)

    def waiter(self, service: str, name: str, **request: Any) -> None:
        """Waits up to an hour for what a waiter of the AWS SDK waits for."""
        self.client(service).get_waiter(name).wait(
            **request, WaiterConfig={"Delay": self.pace, "MaxAttempts": int(3600 / max(self.pace, 1.0))})

    def account(self) -> str:
        """The number of the account.

        Raises:
            DeployError: nobody is signed in.
        """
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as problem:
            raise DeployError(f"AWS does not know who you are: {problem}; sign in, or set AWS_PROFILE") from problem


def cloud(region: str | None, endpoint_url: str | None = None) -> Cloud:
    """The cloud of your AWS configuration, or of the given region.

    Raises:
        DeployError: there is no region.
    """
    found = region or boto3.session.Session().region_name
    if not found:
        raise DeployError("no AWS region is given; use --region ap-northeast-2, or set AWS_DEFAULT_REGION")
    return Cloud(found, endpoint_url)
