"""What a notification says: one transition of an alert for one channel, in the channel's language. Plain text, no links."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.errors import FireError
from udfs import identifiers
from udfs.scoring import LEVELS

NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
WORD = re.compile(r"[\x21-\x7e]{1,64}")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
SMS_LENGTH = {"en": 160, "ko": 70}
"""Characters of one text message: 160 of GSM 03.38, 70 of UCS-2, which Korean needs."""
HEADINGS = {"en": ("What to do:", "Alert", "Key"), "ko": ("권장 조치:", "경보 번호", "중복 확인 키")}


class UnusableTransitionError(FireError):
    """A record of the alert topic that no notification can be made of; the text says why."""


class UndeliveredError(FireError):
    """An attempt failed; `is_final` where the same notification would be refused again, whenever it is sent."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True)
class Notice:
    """One attempt to tell one channel of one transition; all but `attempt` stays the same over repetitions."""

    key: str
    attempt: int
    channel: str
    language: str
    alert: Mapping[str, Any]

    @property
    def message(self) -> str:
        """The alert's sentence; the bare facts where it carries none."""
        text = self.alert.get(f"message_{self.language}")
        return _line(text if isinstance(text, str) and text else self._facts())

    @property
    def title(self) -> str:
        """The first sentence of the message, without its full stop."""
        return self.message.partition(". ")[0].rstrip(".")

    @property
    def recommendations(self) -> list[str]:
        """What to do, most important first."""
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
        """One text message: the title, and for a critical alarm the first recommendation."""
        advice = self.recommendations[:1] if self.alert["level"] == "CRITICAL" else []
        text, longest = " ".join([f"{self.title}.", *advice]), SMS_LENGTH[self.language]
        return text if len(text) <= longest else f"{text[:longest - 3]}..."

    @property
    def json(self) -> bytes:
        """The body of a webhook call, ASCII."""
        return json.dumps({"schema_version": 1, "idempotency_key": self.key, "channel": self.channel,
                           "language": self.language, "message": self.message,
                           "recommendations": self.recommendations, "alert": self.alert}).encode()

    def _facts(self) -> str:
        return f"[{self.alert['level']}] {self.alert.get('alert_type')} {self.alert['transition']}, {self.alert['subject']}"


def read_transition(value: bytes | None) -> dict[str, Any]:
    """One record of the alert topic.

    Raises:
        UnusableTransitionError: it is no JSON object, or does not say which alert it is about.
    """
    try:
        alert = json.loads(value or b"")
        json.dumps(alert, allow_nan=False)
    except (ValueError, RecursionError) as problem:
        raise UnusableTransitionError(f"not JSON: {_line(str(problem))[:200]}") from problem
    if not isinstance(alert, dict):
        raise UnusableTransitionError(f"not a JSON object but {type(alert).__name__}")
    for name in ("alert_id", "transition", "event_time"):
        _require(WORD, alert, name, "a word of 1 to 64 ASCII characters")
    for name in ("subject", "site_id"):
        if name == "subject" or alert.get(name) is not None:
            _require(NAME, alert, name, f"a text of 1 to {identifiers.LONGEST_BYTES} bytes without control characters")
    if alert.get("level") not in LEVELS:
        raise UnusableTransitionError(f"level is not one of {', '.join(LEVELS)}")
    return alert


def _require(pattern: re.Pattern[str], alert: Mapping[str, Any], name: str, rule: str) -> None:
    value = alert.get(name)
    if not (isinstance(value, str) and pattern.fullmatch(value)) or identifiers.is_too_long(value):
        raise UnusableTransitionError(f"{name} is not {rule}")


def idempotency_key(alert: Mapping[str, Any]) -> str:
    """What makes a transition this one: stable over repetitions, different for each escalation and each reminder."""
    parts = [alert["alert_id"], alert["transition"]]
    if alert["transition"] == "ESCALATED":
        parts.append(alert["level"])
    if alert["transition"] == "REMINDED":
        parts.append(alert["event_time"])
    return ":".join(parts)


def one_line(problem: object) -> str:
    """An error's text as one short line, for the log and the outbox."""
    return _line(str(problem))[:300] or type(problem).__name__


def _line(text: str) -> str:
    """The text without line breaks, control characters and what UTF-8 cannot hold."""
    return UNPRINTABLE.sub(" ", text.encode("utf-8", "replace").decode("utf-8")).strip()
