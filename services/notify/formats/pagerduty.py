"""An event of PagerDuty's Events API v2: an alert triggers, and its end resolves, the incident with its id as `dedup_key`."""

from __future__ import annotations

from typing import Any

from services.notify.bounds import cut, lines_within
from services.notify.content import Block, content
from services.notify.notification import ENDINGS, Notice

SUMMARY, NAME, DETAILS = 1024, 255, 20_000
"""Most characters of a summary and of a name, and for each list of details; a whole event may have 512 KB."""
SEVERITIES = {"CRITICAL": "critical", "HIGH": "error", "MEDIUM": "warning"}
CLIENT = "fire-notify"


def event(notice: Notice, routing_key: str) -> dict[str, Any]:
    """Returns the event; the routing key of the service's integration is a secret, so the event must not be logged."""
    identity = _identity(notice, routing_key)
    return identity if identity["event_action"] == "resolve" else identity | _details(notice)


def simplest(notice: Notice, routing_key: str) -> dict[str, Any]:
    """Returns the event with its required fields only."""
    identity, required = _identity(notice, routing_key), ("summary", "source", "severity")
    if identity["event_action"] == "resolve":
        return identity
    return identity | {"payload": {name: _details(notice)["payload"][name] for name in required}}


def _identity(notice: Notice, routing_key: str) -> dict[str, Any]:
    action = "resolve" if notice.alert["transition"] in ENDINGS else "trigger"
    return {"routing_key": routing_key, "event_action": action, "dedup_key": notice.alert["alert_id"]}


def _details(notice: Notice) -> dict[str, Any]:
    said, alert = content(notice), notice.alert
    names = {"component": alert["subject"], "group": alert.get("site_id"), "class": alert.get("alert_type")}
    payload = {"summary": cut(said.title, SUMMARY), "source": cut(alert["subject"], NAME),
               "severity": SEVERITIES.get(said.level, "info"), "timestamp": alert["event_time"],
               **{name: cut(value, NAME) for name, value in names.items() if isinstance(value, str) and value},
               "custom_details": {name: cut(value, NAME) for name, value in said.facts}
               | {block.heading: _listed(block) for block in said.blocks}}
    client = {"client": CLIENT, "client_url": notice.dashboard} if notice.dashboard else {"client": CLIENT}
    return {"payload": payload, "links": [{"href": said.link, "text": said.open_link}] if said.link else [], **client}


def _listed(block: Block) -> list[str]:
    return lines_within(block.lines, DETAILS)
