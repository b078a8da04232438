"""A notification: one transition of an alert for one channel, in the channel's language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from contract import identifiers
from core.errors import FireError
from services.notify.place import NOWHERE, Place
from udfs.readings.scoring import LEVELS
from udfs.shown import plain

NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
WORD = re.compile(r"[\x21-\x7e]{1,64}")
DIGEST = {"en": "Digest of alerts of level MEDIUM: {}.", "ko": "주의 단계 경보 요약: {}건."}
UNACKNOWLEDGED = {"en": "Not acknowledged", "ko": "미확인"}
ENDINGS = ("CLEARED", "RESOLVED")
"""Transitions that end an alert."""


class UnusableTransitionError(FireError):
    """A record of the alert topic cannot be turned into a notification; the message states the cause."""


class UndeliveredError(FireError):
    """An attempt to deliver failed; `is_final` is True if every further attempt would be refused as well."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True)
class Notice:
    """One attempt to notify one channel of one transition; only `attempt` differs between repetitions.

    A notice of an alert that nobody acknowledged names the channel from which it was escalated. A digest has a transition DIGEST
    of its own, with the last transition of each of its alerts.
    """

    key: str
    attempt: int
    channel: str
    language: str
    alert: Mapping[str, Any]
    place: Place = NOWHERE
    dashboard: str = ""
    escalated_from: str | None = None

    @property
    def link(self) -> str:
        """The address of the alert's page on the dashboard, or of all alerts for a digest; empty without a dashboard."""
        page = "" if self.alert["transition"] == "DIGEST" else f"/{quote(self.alert['alert_id'], safe='')}"
        return f"{self.dashboard.rstrip('/')}/alerts{page}" if self.dashboard else ""

    @property
    def digest(self) -> list[Notice]:
        """The notices of a digest, in the order of their transitions; none unless this is a digest."""
        entries = self.alert.get("digest") if self.alert["transition"] == "DIGEST" else None
        return [replace(self, alert=each["alert"], place=Place.read(each["place"])) for each in entries or ()]

    @property
    def message(self) -> str:
        """The alert's message in the channel's language, or its level, type, transition and subject if it has none."""
        if self.alert["transition"] == "DIGEST":
            return DIGEST[self.language].format(len(self.digest))
        text = self.alert.get(f"message_{self.language}")
        return (line(text) if isinstance(text, str) else "") or line(self._facts())

    @property
    def title(self) -> str:
        """The first sentence of the message, without its full stop."""
        title = self.message.partition(". ")[0].rstrip(". ") or line(self._facts())
        return title if self.escalated_from is None else f"{UNACKNOWLEDGED[self.language]}: {title}"

    @property
    def recommendations(self) -> list[str]:
        """The recommended actions, most important first."""
        texts = self.alert.get(f"recommendations_{self.language}")
        return [line(text) for text in texts if isinstance(text, str) and line(text)] if isinstance(texts, list) else []

    def _facts(self) -> str:
        return f"[{self.alert['level']}] {self.alert.get('alert_type')} {self.alert['transition']}, {self.alert['subject']}"


def read_transition(value: bytes | None) -> dict[str, Any]:
    """Parses one record of the alert topic.

    Raises:
        UnusableTransitionError: it is not a JSON object, or does not identify its alert.
    """
    try:
        alert = json.loads(value or b"")
        json.dumps(alert, allow_nan=False)
    except (ValueError, RecursionError) as problem:
        raise UnusableTransitionError(f"not JSON: {line(str(problem))[:200]}") from problem
    if not isinstance(alert, dict):
        raise UnusableTransitionError(f"not a JSON object but {type(alert).__name__}")
    for name in ("alert_id", "transition", "event_time"):
        _require(WORD, alert, name, "a word of 1 to 64 printable ASCII characters")
    for name in ("subject", "site_id"):
        if name == "subject" or alert.get(name) is not None:
            _require(NAME, alert, name, f"a string of 1 to {identifiers.LONGEST_BYTES} bytes without control characters")
    if alert.get("level") not in LEVELS:
        raise UnusableTransitionError(f"level is not one of {', '.join(LEVELS)}")
    return alert


def _require(pattern: re.Pattern[str], alert: Mapping[str, Any], name: str, rule: str) -> None:
    value = alert.get(name)
    if not (isinstance(value, str) and pattern.fullmatch(value)) or identifiers.is_too_long(value):
        raise UnusableTransitionError(f"{name} is not {rule}")


def idempotency_key(alert: Mapping[str, Any]) -> str:
    """Returns the key that identifies a transition: equal for repetitions, different for each escalation and each reminder."""
    parts = [alert["alert_id"], alert["transition"]]
    if alert["transition"] == "ESCALATED":
        parts.append(alert["level"])
    if alert["transition"] == "REMINDED":
        parts.append(alert["event_time"])
    return ":".join(parts)


def one_line(problem: object) -> str:
    """Returns an error's message as one line of at most 300 characters, for the log and the outbox."""
    return line(str(problem))[:300] or type(problem).__name__


def line(text: str) -> str:
    """Returns the text without line breaks, control and bidirectional characters and lone surrogates."""
    return plain(text.encode("utf-8", "replace").decode("utf-8")).strip()
