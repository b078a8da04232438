"""Publishes notifications to Amazon SNS: a text message to phones, the whole text to all others.

The AWS SDK finds the credentials: in the environment, a profile, or the machine's role.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3  # type: ignore[import-untyped,unused-ignore]
from botocore.config import Config  # type: ignore[import-untyped,unused-ignore]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]

from services.notify.bounds import cut, json_bytes
from services.notify.formats import plain_text, text_message
from services.notify.notification import Notice, UndeliveredError

SUBJECT_LENGTH = 99
LONGEST_TEXT = 200_000
"""Bytes of a text in JSON; a whole message may have 256 KB."""
REFUSED_BODY = ("InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid")


@dataclass(frozen=True, kw_only=True)
class Sns:
    """An SNS topic and an optional one for critical alerts; `endpoint_url` replaces the AWS endpoint; `timeout` is in seconds."""

    topic_arn: str
    critical_topic_arn: str | None = None
    endpoint_url: str | None = None
    timeout: float = 10.0

    def send(self, notice: Notice, at: datetime) -> str:
        """Publishes the notice.

        Raises:
            UndeliveredError: SNS was not reached, or refused the notice.
        """
        try:
            self._client().publish(**self.request(notice))
        except ClientError as problem:
            code = problem.response["Error"]["Code"]
            raise UndeliveredError(f"SNS answered {problem}", is_final=code in REFUSED_BODY) from problem
        except BotoCoreError as problem:
            raise UndeliveredError(f"SNS was not reached: {problem}") from problem
        return ""

    def request(self, notice: Notice) -> dict[str, Any]:
        """Returns the parameters of the Publish request; SNS allows only ASCII in the subject."""
        is_critical = notice.alert["level"] == "CRITICAL"
        topic = self.critical_topic_arn if is_critical and self.critical_topic_arn else self.topic_arn
        text = cut(plain_text.text(notice), LONGEST_TEXT, json_bytes)
        bodies = {"default": text, "sms": text_message.text(notice)}
        return {"TopicArn": topic, "Subject": _subject(notice), "MessageAttributes": _attributes(notice),
                "Message": json.dumps(bodies, ensure_ascii=False), "MessageStructure": "json",
                **(_fifo(notice) if topic.endswith(".fifo") else {})}

    def _client(self) -> Any:
        return _client(self.topic_arn.split(":")[3], self.endpoint_url, self.timeout)


@functools.cache
def _client(region: str, endpoint_url: str | None, timeout: float) -> Any:
    once = Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1})
    return boto3.session.Session().client("sns", region_name=region, endpoint_url=endpoint_url, config=once)


def _subject(notice: Notice) -> str:
    alert = notice.alert
    text = f"[{alert['level']}] {alert.get('alert_type', '')} {alert['transition']} {alert['subject']}".replace("  ", " ")
    return text.encode("ascii", "replace").decode()[:SUBJECT_LENGTH].strip()


def _attributes(notice: Notice) -> dict[str, dict[str, str]]:
    texts = {"idempotency_key": notice.key, "attempt": str(notice.attempt), "level": notice.alert["level"],
             "transition": notice.alert["transition"], "language": notice.language}
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}


def _fifo(notice: Notice) -> dict[str, str]:
    return {"MessageGroupId": notice.alert["alert_id"][:128], "MessageDeduplicationId": notice.key[:128]}
