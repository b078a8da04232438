"""The AWS account of a deployment, with the profile, region and credentials that the AWS SDK finds."""

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
    """An account in a region; `endpoint_url` replaces AWS's own addresses, `pace` is the seconds between two polls."""

    region: str
    endpoint_url: str | None = None
    pace: float = 5.0

    @functools.cache  # noqa: B019 -- one cloud per process
    def client(self, service: str) -> Any:
        """Returns a client of an AWS service, created on first use."""
        settings = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10)
        return boto3.session.Session(region_name=self.region).client(service, endpoint_url=self.endpoint_url, config=settings)

    def waiter(self, service: str, name: str, **request: Any) -> None:
        """Waits with a waiter of the AWS SDK, for up to an hour."""
        self.client(service).get_waiter(name).wait(
            **request, WaiterConfig={"Delay": self.pace, "MaxAttempts": int(3600 / max(self.pace, 1.0))})

    def account(self) -> str:
        """Returns the number of the account.

        Raises:
            DeployError: AWS does not accept the credentials, or there are none.
        """
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as problem:
            raise DeployError(f"AWS does not accept your credentials: {problem}; sign in, or set AWS_PROFILE") from problem


def cloud(region: str | None, endpoint_url: str | None = None) -> Cloud:
    """Returns the account of the AWS configuration, in `region` or else in the configured region.

    Raises:
        DeployError: there is no region.
    """
    region = region or boto3.session.Session().region_name
    if not region:
        raise DeployError("no AWS region is configured; use --region ap-northeast-2, or set AWS_DEFAULT_REGION")
    return Cloud(region, endpoint_url)
