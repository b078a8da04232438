"""What is remembered of one subject, and how it is kept as text between two of its rows."""

from __future__ import annotations

import json
from bisect import insort
from dataclasses import asdict, dataclass, field
from typing import Any

from udfs.alerts.candidates import READINGS, Number

STATE_VERSION = 2
REMEMBERED_MINUTES = 10
NEVER = 0
"""An event time before every other: none is earlier than 1970."""
FORGOTTEN_AFTER_MS = 24 * 3_600_000


class StateError(ValueError):
    """Stored state was written in a form that this version does not read."""


@dataclass
class Alert:
    """An alert that is open; times in epoch ms."""

    alert_id: str
    site_id: str | None
    cause: str
    level: str
    opened_at: int
    last_candidate: tuple[int, int]
    """Event time and idx (0 for windows) of the latest candidate."""
    candidate_count: int
    """Candidates in (event time, idx) order; one that arrives behind a later one is not counted, so never twice."""
    risk_score: Number
    peak_risk_score: Number
    evidence: dict[str, Number | None]
    """Scores and measurements of the candidate that opened the alert or last raised its level."""
    last_seen: int | None
    profile_version: str | None
    limits: str | None
    """The limits of the profile that judged the evidence, as JSON text; None for the default ones."""
    reminded: int = 0
    """The last step of 15 minutes since `opened_at` that is over."""
    told_level: str | None = None
    """The level in the alert's last transition that was told; None: people have not heard of it."""
    was_held: bool = False
    shown: tuple[int, int, Number] | None = None
    """What the last row of this alert said: count, time of the last candidate, peak risk."""

    @property
    def is_of_readings(self) -> bool:
        """Whether its candidates are readings, which are known at once; windows are known when they have closed."""
        return self.cause == READINGS


@dataclass
class State:
    """One subject; small, and the same after `State.loads(state.dumps())`."""

    minutes: list[int] = field(default_factory=list)
    """Ends of the latest minutes with readings, oldest first."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """The open alert of each type."""
    settled: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Per type, event time and idx of the last candidate of its last alert that was cleared."""
    newest: int = NEVER
    """The latest event time of any row."""
    held_through: int = NEVER
    """The latest event time of a row that a maintenance window covers."""
    held_until: int = NEVER
    """When that row's window ends."""
    free_through: int = NEVER
    """The latest event time of a row that none covers."""
    withheld: dict[str, tuple[int, Alert]] = field(default_factory=dict)
    """Per type, an alert that people know, and when it was cleared inside a maintenance window."""

    @property
    def keeps(self) -> bool:
        """Whether a maintenance window keeps anything back from people."""
        return bool(self.withheld) or any(alert.told_level != alert.level for alert in self.alerts.values())

    @property
    def is_over(self) -> bool:
        """Whether nothing is open, so that the subject may be forgotten."""
        return not self.alerts and not self.withheld

    def is_settled_by(self, alert_type: str, place: tuple[int, int]) -> bool:
        """Whether a candidate, by event time and idx, belongs to an alert that was cleared."""
        return alert_type in self.settled and place <= self.settled[alert_type]

    def remember_minute(self, end: int) -> bool:
        """Takes the end of a minute into the latest ones; False where it is known or older than all of them."""
        if end in self.minutes:
            return False
        insort(self.minutes, end)
        del self.minutes[:-REMEMBERED_MINUTES]
        return end in self.minutes

    def forget_if_stale(self, now: int) -> None:
        """Starts anew where nothing is open and no row came for 24 hours of event time."""
        if self.is_over and now - self.newest > FORGOTTEN_AFTER_MS:
            self.__dict__.update(State().__dict__)

    def dumps(self) -> str:
        """The state as JSON text."""
        return json.dumps({"version": STATE_VERSION} | asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | None) -> State:
        """The state in `text`; None is a subject never seen.

        Raises:
            StateError: another version wrote it.
        """
        if text is None:
            return cls()
        stored = json.loads(text)
        version = stored.pop("version")
        if version != STATE_VERSION:
            raise StateError(f"alert state has version {version}, this code reads {STATE_VERSION}; "
                             "start the alert job without its old state, or with the version that wrote it")
        stored["alerts"] = {kind: _alert(alert) for kind, alert in stored["alerts"].items()}
        stored["settled"] = {kind: tuple(last) for kind, last in stored["settled"].items()}
        stored["withheld"] = {kind: (end, _alert(alert)) for kind, (end, alert) in stored["withheld"].items()}
        return cls(**stored)


def _alert(stored: dict[str, Any]) -> Alert:
    shown = stored["shown"]
    return Alert(**stored | {"last_candidate": tuple(stored["last_candidate"]), "shown": shown and tuple(shown)})
