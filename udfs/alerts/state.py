"""The state of one subject: its open alerts, latest minutes and maintenance window, stored as JSON text between rows."""

from __future__ import annotations

import json
from bisect import insort
from dataclasses import asdict, dataclass, field
from typing import Any

from udfs.alerts.candidates import READINGS, Number

STATE_VERSION = 2
REMEMBERED_MINUTES = 10
NEVER = 0
"""An event time before every other one; none is earlier than 1970."""
FORGOTTEN_AFTER_MS = 24 * 3_600_000


class StateError(ValueError):
    """Stored state has a version that this code does not read; the message names the remedy."""


@dataclass
class Alert:
    """An open alert; times are epoch ms."""

    alert_id: str
    site_id: str | None
    cause: str
    level: str
    opened_at: int
    last_candidate: tuple[int, int]
    """Event time and idx (0 for windows) of the latest candidate."""
    candidate_count: int
    """Number of candidates in the order of event time and idx; one that arrives after a later one is not counted."""
    risk_score: Number
    peak_risk_score: Number
    evidence: dict[str, Number | None]
    """Scores and measurements of the candidate that opened the alert or last raised its level."""
    last_seen: int | None
    profile_version: str | None
    limits: str | None
    """The limits of the profile that judged the evidence, as JSON text; None for the default profile."""
    reminded: int = 0
    """The number of 15-minute steps since `opened_at` at the last reminder, published or not."""
    told_level: str | None = None
    """The level in the alert's last published transition; None if none was published."""
    was_held: bool = False
    """Whether a maintenance window has withheld a transition of this alert."""
    shown: tuple[int, int, Number] | None = None
    """The count, time of the last candidate and peak risk in the alert's last row."""
    device_names: str | None = None
    """The devices that the latest candidate of a site's alert named, one id a line."""

    @property
    def is_of_readings(self) -> bool:
        """Whether the candidates are readings, which arrive at once; windows arrive when they have closed."""
        return self.cause == READINGS


@dataclass
class State:
    """The state of one subject; `State.loads(state.dumps())` equals it."""

    minutes: list[int] = field(default_factory=list)
    """Ends of the latest minutes with readings, oldest first."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """The open alert of each type."""
    settled: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Alert type → event time and idx of the last candidate of its last cleared alert."""
    newest: int = NEVER
    """The latest event time of any row."""
    held_through: int = NEVER
    """The latest event time of a row that a maintenance window covers."""
    held_until: int = NEVER
    """When the maintenance window of that row ends."""
    free_through: int = NEVER
    """The latest event time of a row that no maintenance window covers."""
    withheld: dict[str, tuple[int, Alert]] = field(default_factory=dict)
    """Alert type → when a published alert was cleared within a maintenance window, and the alert."""

    @property
    def withholds(self) -> bool:
        """Whether a maintenance window withholds a transition of this subject."""
        return bool(self.withheld) or any(alert.told_level != alert.level for alert in self.alerts.values())

    @property
    def is_over(self) -> bool:
        """Whether nothing is open, so that the subject may be forgotten."""
        return not self.alerts and not self.withheld

    def is_settled(self, alert_type: str, position: tuple[int, int]) -> bool:
        """Checks whether the candidate at a position (event time, idx) belongs to an alert that was cleared."""
        return alert_type in self.settled and position <= self.settled[alert_type]

    def remember_minute(self, end: int) -> bool:
        """Adds the end of a minute to the latest ones; returns False for a repeated minute and one older than all of them."""
        if end in self.minutes:
            return False
        insort(self.minutes, end)
        del self.minutes[:-REMEMBERED_MINUTES]
        return end in self.minutes

    def forget_if_stale(self, now: int) -> None:
        """Resets the state if nothing is open and no row came for 24 hours of event time."""
        if self.is_over and now - self.newest > FORGOTTEN_AFTER_MS:
            self.__dict__.update(State().__dict__)

    def dumps(self) -> str:
        """Returns the state as JSON text."""
        return json.dumps({"version": STATE_VERSION} | asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | None) -> State:
        """Reads the state in `text`; None is a subject without state.

        Raises:
            StateError: the text was written in another version of the state.
        """
        if text is None:
            return cls()
        stored = json.loads(text)
        version = stored.pop("version")
        if version != STATE_VERSION:
            raise StateError(f"alert state has version {version}, but this code reads version {STATE_VERSION}; "
                             "start the alert job without its old state, or with the release that wrote it")
        stored["alerts"] = {alert_type: _alert(alert) for alert_type, alert in stored["alerts"].items()}
        stored["settled"] = {alert_type: tuple(last) for alert_type, last in stored["settled"].items()}
        stored["withheld"] = {alert_type: (end, _alert(alert)) for alert_type, (end, alert) in stored["withheld"].items()}
        return cls(**stored)


def _alert(stored: dict[str, Any]) -> Alert:
    shown = stored["shown"]
    return Alert(**stored | {"last_candidate": tuple(stored["last_candidate"]), "shown": shown and tuple(shown)})
