"""Delivers notifications to Slack, Microsoft Teams and PagerDuty, whose formats are in `services.notify.formats`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.notify.endpoint import Endpoint
from services.notify.formats import pagerduty, slack, teams
from services.notify.notification import Notice

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"


@dataclass(frozen=True, kw_only=True)
class Slack:
    """A Slack incoming webhook; its address is the secret."""

    endpoint: Endpoint

    def send(self, notice: Notice, at: datetime) -> str:
        """Posts the notice.

        Raises:
            UndeliveredError: Slack was not reached, or refused the message.
        """
        return _post(self.endpoint, notice, slack.payload(notice))


@dataclass(frozen=True, kw_only=True)
class Teams:
    """A workflow of Microsoft Teams that starts with a webhook request; its address is the secret."""

    endpoint: Endpoint

    def send(self, notice: Notice, at: datetime) -> str:
        """Posts the notice.

        Raises:
            UndeliveredError: Teams was not reached, or refused the message.
        """
        return _post(self.endpoint, notice, teams.payload(notice))


@dataclass(frozen=True, kw_only=True)
class PagerDuty:
    """A service of PagerDuty with an integration of the Events API v2, whose routing key is the secret."""

    endpoint: Endpoint
    routing_key: str = field(repr=False)

    def send(self, notice: Notice, at: datetime) -> str:
        """Posts the notice as an event.

        Raises:
            UndeliveredError: PagerDuty was not reached, or refused the event.
        """
        return _post(self.endpoint, notice, pagerduty.event(notice, self.routing_key))


def _post(endpoint: Endpoint, notice: Notice, payload: Mapping[str, Any]) -> str:
    body = json.dumps(payload, ensure_ascii=False).encode()
    endpoint.post(body, {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": notice.key})
    return ""
