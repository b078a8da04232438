"""The content of a notification: one transition of an alert for one channel, as plain text in the channel's language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract import identifiers
from core.errors import FireError
from udfs.readings.scoring import LEVELS
from udfs.shown import plain

NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
WORD = re.compile(r"[\x21-\x7e]{1,64}")
SMS_LENGTH = {"en": 160, "ko": 70}
"""Characters in one text message: 160 in GSM 03.38, 70 in UCS-2, which Korean requires."""
HEADINGS = {"en": ("What to do:", "Alert", "Key"), "ko": ("권장 조치:", "경보 번호", "중복 확인 키")}


class UnusableTransitionError(FireError):
    """A record of the alert topic cannot be turned into a notification; the message states the cause."""


class UndeliveredError(FireError):
    """An attempt to deliver failed; `is_final` is True if every further attempt would be refused as well."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True)
class Notice:
    """One attempt to notify one channel of one transition; only `attempt` differs between repetitions."""

    key: str
    attempt: int
    channel: str
    language: str
    alert: Mapping[str, Any]

    @property
    def message(self) -> str:
        """The alert's message in the channel's language, or its level, type, transition and subject if it has none."""
        text = self.alert.get(f"message_{self.language}")
        return _line(text if isinstance(text, str) and text else self._facts())

    @property
    def title(self) -> str:
        """The first sentence of the message, without its full stop."""
        return self.message.partition(". ")[0].rstrip(".")

    @property
    def recommendations(self) -> list[str]:
        """The recommended actions, most important first."""
        texts = self.alert.get(f"recommendations_{self.language}")
        return [_line(text) for text in texts if isinstance(text, str)] if isinstance(texts, list) else []

    @property
    def text(self) -> str:
        """The body of an e-mail."""
        todo, alert, key = HEADINGS[self.language]
        advice = [todo, *(f"- {text}" for text in self.recommendations), ""] if self.recommendations else []
        return "\n".join([self.message, "", *advice, f"{alert}: {self.alert['alert_id']}", f"{key}: {self.key}", ""])

    @property
    def sms(self) -> str:
        """The text of an SMS: the title, and for a critical alert the first recommendation."""
        advice = self.recommendations[:1] if self.alert["level"] == "CRITICAL" else []
        text, longest = " ".join([f"{self.title}.", *advice]), SMS_LENGTH[self.language]
        return text if len(text) <= longest else f"{text[:longest - 3]}..."

    @property
    def json(self) -> bytes:
        """The body of a webhook call, in ASCII."""
        return json.dumps({"schema_version": 1, "idempotency_key": self.key, "channel": self.channel,
                           "language": self.language, "message": self.message,
                           "recommendations": self.recommendations, "alert": self.alert}).encode()

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
        raise UnusableTransitionError(f"not JSON: {_line(str(problem))[:200]}") from problem
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
    return _line(str(problem))[:300] or type(problem).__name__


def _line(text: str) -> str:
    """Returns the text without line breaks, control and bidirectional characters and lone surrogates."""
    return plain(text.encode("utf-8", "replace").decode("utf-8")).strip()
