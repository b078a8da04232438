"""View models of alerts: the filtered list, one alert with its history, and the actions acknowledge and resolve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.dashboard.postgres import Row, prefix
from services.dashboard.problems import NotFoundError, UnusableError
from services.dashboard.sources import Sources
from services.dashboard.views import json_rows
from services.dashboard.views.paging import COUNTED, page, position

STATES = ("open", "cleared", "acknowledged", "resolved", "all")
RESOLUTIONS = ("confirmed_hazard", "false_alarm", "maintenance")
LONGEST_NOTE = 2000
HISTORY = 500
BATCH = 1000


@dataclass(frozen=True)
class Filter:
    """The conditions of a list of alerts; None means any value, `q` is a prefix of the subject."""

    level: str | None = None
    alert_type: str | None = None
    site: str | None = None
    state: str = "open"
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Returns the parameters of the SQL statements."""
        return {name: value for name, value in asdict(self).items() if name != "q"} | {"prefix": prefix(self.q)}


def alerts(sources: Sources, wanted: Filter, after: str | None, limit: int) -> dict[str, Any]:
    """Returns a page of alerts, newest first.

    Raises:
        BadRequestError: the cursor does not belong to this list.
    """
    rows = _rows(sources, wanted, after, limit + 1)
    total = sources.database.one("alerts_total", **wanted.parameters(), most=COUNTED)["total"]
    return page(rows, limit, total, json_rows.alert, _key)


def every(sources: Sources, wanted: Filter) -> Iterator[dict[str, Any]]:
    """Yields all alerts that match a filter, newest first, fetching them in batches."""
    key: tuple[Any, ...] = (None, None)
    while rows := sources.database.rows("alerts", **wanted.parameters(), opened_at=key[0], alert=key[1], limit=BATCH):
        yield from map(json_rows.alert, rows)
        key = _key(rows[-1])


def _rows(sources: Sources, wanted: Filter, after: str | None, limit: int) -> list[Row]:
    opened_at, alert_id = position(after, datetime, str)
    return sources.database.rows("alerts", **wanted.parameters(), opened_at=opened_at, alert=alert_id, limit=limit)


def _key(row: Row) -> tuple[Any, ...]:
    return row["opened_at"], row["alert_id"]


def alert(sources: Sources, alert_id: str) -> dict[str, Any]:
    """Returns one alert with its transitions and the actions of people.

    Raises:
        NotFoundError: there is no such alert.
    """
    row = sources.database.row("alert", alert=alert_id)
    if row is None:
        raise _unknown(alert_id)
    transitions = sources.database.rows("alert_transitions", alert=alert_id, limit=HISTORY)
    actions = sources.database.rows("actions", subject=alert_id, limit=HISTORY)
    return json_rows.alert(row) | {"is_open": json_rows.is_open(row), "transitions": [_transition(each) for each in transitions],
                                "actions": [json_rows.plain(each) for each in actions]}


def _transition(row: Row) -> dict[str, Any]:
    values = json_rows.plain(row)
    return {name: values[name] for name in ("transition", "level", "risk_score", "event_time", "was_held")} | {
        "message": {"en": row["message_en"], "ko": row["message_ko"]}}


def acknowledge(sources: Sources, alert_id: str, actor: str, address: str) -> dict[str, Any]:
    """Acknowledges the alert on behalf of `actor` and returns it; the first acknowledgement is kept.

    Raises:
        NotFoundError: there is no such alert.
    """
    return _act(sources, "acknowledge", "ACKNOWLEDGED", {"alert": alert_id, "actor": actor}, address)


def resolve(sources: Sources, alert_id: str, actor: str, address: str, resolution: str | None, note: str | None
            ) -> dict[str, Any]:
    """Resolves the alert on behalf of `actor` with one of `RESOLUTIONS` and an optional note, and returns it.

    Raises:
        UnusableError: the resolution is unknown, or the note is too long.
        NotFoundError: there is no such alert.
    """
    if resolution not in RESOLUTIONS:
        raise UnusableError(f"resolution is {resolution!r}; use one of: {', '.join(RESOLUTIONS)}")
    return _act(sources, "resolve", "RESOLVED", {"alert": alert_id, "actor": actor, "resolution": resolution,
                                                 "note": _note(note)}, address)


def _note(note: str | None) -> str | None:
    if note is not None and (len(note) > LONGEST_NOTE or "\0" in note):
        raise UnusableError(f"note must be at most {LONGEST_NOTE} characters, none of them NUL")
    return (note or "").strip() or None


def _act(sources: Sources, statement: str, action: str, change: dict[str, Any], address: str) -> dict[str, Any]:
    """Changes an alert and records the action in the audit trail, in one transaction; returns the alert."""
    now = sources.now()
    with sources.database.transaction() as transaction:
        if not transaction.execute(statement, now=now, **change):
            raise _unknown(change["alert"])
        entry = {"resolution": None, "note": None} | change
        transaction.execute("record_alert_action", now=now, action=action, address=address, **entry)
    sources.feed.changed()
    row = sources.database.written("alert", alert=change["alert"])
    assert row is not None, "the alert was just changed, and only the retention deletes alerts"
    return json_rows.alert(row)


def _unknown(alert_id: str) -> NotFoundError:
    return NotFoundError(f"there is no alert {alert_id}; cleared alerts are deleted after the retention period")
