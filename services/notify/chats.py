"""Delivers notifications to Slack, Microsoft Teams and PagerDuty, whose formats are in `services.notify.formats`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.notify.endpoint import Endpoint
from services.notify.formats import pagerduty, slack, teams
from services.notify.notification import Notice, UndeliveredError

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
        return _post(self.endpoint, notice, slack.payload(notice), slack.simplest(notice))


@dataclass(frozen=True, kw_only=True)
class Teams:
    """A workflow of Microsoft Teams that starts with a webhook request; its address is the secret."""

    endpoint: Endpoint

    def send(self, notice: Notice, at: datetime) -> str:
        """Posts the notice.

        Raises:
            UndeliveredError: Teams was not reached, or refused the message.
        """
        return _post(self.endpoint, notice, teams.payload(notice), teams.simplest(notice))


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
        return _post(self.endpoint, notice, pagerduty.event(notice, self.routing_key),
                     pagerduty.simplest(notice, self.routing_key))


def _post(endpoint: Endpoint, notice: Notice, payload: Mapping[str, Any], simplest: Mapping[str, Any]) -> str:
    """Posts the payload or, should its form be refused for good, the simplest one, because an alarm must arrive in any form."""
    try:
        endpoint.post(_body(payload), _headers(notice))
    except UndeliveredError as problem:
        if not problem.is_final or simplest == payload:
            raise
        endpoint.post(_body(simplest), _headers(notice))
        return f"only in its simplest form, because {problem}"
    return ""


def _body(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()


def _headers(notice: Notice) -> dict[str, str]:
    return {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": notice.key}
