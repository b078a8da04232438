"""The state of one subject: its open alerts, latest minutes and maintenance window, stored as JSON text between rows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from contract.declared import CONTRACT
from udfs.alerts.candidates import MINUTE_MS, Identity
from udfs.alerts.fields import Number

STATE_VERSION = 3
REMEMBERED_MINUTES = 10
"""How many minutes without a candidate the detect job sends for a watched subject."""
REMEMBERED = 256
"""Minutes of a subject, and candidates of a subject and type, that are recognised when they are delivered again."""
FREQUENT_REMINDERS = 4
"""How many reminders come every 15 minutes; later ones come daily."""
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
    last_candidate: int
    """The latest event time of a candidate."""
    last_taken: int
    """Event time of the candidate that arrived last."""
    candidate_count: int
    risk_score: Number
    peak_risk_score: Number
    evidence: dict[str, Number | None]
    """Scores and measurements of the candidate that opened the alert or last raised its level."""
    last_seen: int | None
    profile_version: str | None
    limits: str | None
    """The limits of the profile that judged the evidence, as JSON text; None for the default profile."""
    reminded_from: int
    """The time from which reminders count: the newest one when the alert opened, which is later than that of a late candidate."""
    sensor_fault: str | None = None
    """The quantity of a faulty sensor, a space, and its value; None for another hazard."""
    reminded: int = 0
    """The number of reminders that were due until now, published or not."""
    quiet: list[int] = field(default_factory=list)
    """Ends of the minutes without a candidate that arrived in a row after the last candidate, in the order of arrival."""
    told_level: str | None = None
    """The level in the alert's last published transition; None if none was published."""
    was_held: bool = False
    """Whether a maintenance window has withheld a transition of this alert."""
    shown: tuple[int, int, Number] | None = None
    """The count, time of the last candidate and peak risk in the alert's last row."""
    device_names: str | None = None
    """The devices that the latest candidate of a site's alert named, one id a line."""


@dataclass
class State:
    """The state of one subject; `State.loads(state.dumps())` equals it."""

    minutes: list[int] = field(default_factory=list)
    """Ends of the last minutes with readings, in the order of arrival."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """The open alert of each type."""
    taken: dict[str, list[Identity]] = field(default_factory=dict)
    """Alert type → its last candidates, in the order of arrival."""
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

    def remember_candidate(self, alert_type: str, candidate: Identity) -> bool:
        """Adds a candidate to the last ones of its type; returns False if it is among them already."""
        return _remember(self.taken.setdefault(alert_type, []), candidate)

    def remember_minute(self, end: int) -> bool:
        """Adds the end of a minute to the last ones; returns False if it is among them already."""
        return _remember(self.minutes, end)

    def has_candidate(self, alert_type: str, minute_end: int) -> bool:
        """Checks whether a candidate of a type that was taken belongs to the minute that ends at `minute_end`."""
        return any(end_of_minute(candidate) == minute_end for candidate in self.taken.get(alert_type, ()))

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
        if version == 2:
            return cls(minutes=stored["minutes"], **_of_version_2(stored))
        if version != STATE_VERSION:
            raise StateError(f"alert state has version {version}, but this code reads version {STATE_VERSION}; "
                             "start the alert job without its old state, or with the release that wrote it")
        stored["alerts"] = {alert_type: _alert(alert) for alert_type, alert in stored["alerts"].items()}
        stored["taken"] = {alert_type: [(*each,) for each in taken] for alert_type, taken in stored["taken"].items()}
        stored["withheld"] = {alert_type: (end, _alert(alert)) for alert_type, (end, alert) in stored["withheld"].items()}
        return cls(**stored)


def end_of_minute(candidate: Identity) -> int:
    """Returns the end of the minute to which a candidate belongs; a window belongs to the minute with which it ends."""
    at, idx, _ = candidate
    return ((at if idx is not None else at - 1) // MINUTE_MS + 1) * MINUTE_MS


def _of_version_2(stored: dict[str, Any]) -> dict[str, Any]:
    """Converts state of version 2, which knew the last candidate of each type and no quiet minutes."""
    alerts = {kind: _alert_of_version_2(alert) for kind, alert in stored["alerts"].items()}
    withheld = {kind: (end, _alert_of_version_2(alert)) for kind, (end, alert) in stored["withheld"].items()}
    last = {kind: tuple(position) for kind, position in stored["settled"].items()} | {
        kind: tuple(alert["last_candidate"]) for kind, alert in stored["alerts"].items()}
    taken = {kind: [(at, idx_, level) for idx_ in {idx, None} for level in CONTRACT.alert_levels]
             for kind, (at, idx) in last.items()}
    held = {name: stored[name] for name in ("newest", "held_through", "held_until", "free_through")}
    return {"alerts": alerts, "withheld": withheld, "taken": taken, **held}


def _alert_of_version_2(stored: dict[str, Any]) -> Alert:
    last = stored["last_candidate"][0]
    return _alert(stored | {"last_candidate": last, "last_taken": last, "reminded_from": stored["opened_at"],
                            "reminded": min(stored["reminded"], FREQUENT_REMINDERS), "quiet": []})


def _remember(known: list[Any], new: Any) -> bool:
    if new in known:
        return False
    known.append(new)
    del known[:-REMEMBERED]
    return True


def _alert(stored: dict[str, Any]) -> Alert:
    shown = stored["shown"]
    return Alert(**stored | {"shown": shown and tuple(shown)})
