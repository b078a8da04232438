"""Alerts: the list with its filters, one alert with its history, and what people do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.dashboard.postgres import Row, prefix
from services.dashboard.problems import NotThereError, UnusableError
from services.dashboard.sources import Sources
from services.dashboard.views import json_rows
from services.dashboard.views.paging import COUNTED, page, place

STATES = ("open", "cleared", "acknowledged", "resolved", "all")
RESOLUTIONS = ("confirmed_hazard", "false_alarm", "maintenance")
LONGEST_NOTE = 2000
HISTORY = 500
BATCH = 1000


@dataclass(frozen=True)
class Filter:
    """Which alerts; what is None does not matter. `q` is how a subject begins."""

    level: str | None = None
    alert_type: str | None = None
    site: str | None = None
    state: str = "open"
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None

    def given(self) -> dict[str, Any]:
        """The parameters of the statements."""
        return {name: value for name, value in asdict(self).items() if name != "q"} | {"prefix": prefix(self.q)}


def alerts(sources: Sources, wanted: Filter, after: str | None, limit: int) -> dict[str, Any]:
    """A page of alerts, the newest first.

    Raises:
        BadRequestError: the cursor is not one of this list.
    """
    rows = _rows(sources, wanted, after, limit + 1)
    total = sources.database.one("alerts_total", **wanted.given(), most=COUNTED)["total"]
    return page(rows, limit, total, json_rows.alert, _key)


def every(sources: Sources, wanted: Filter) -> Iterator[dict[str, Any]]:
    """All alerts of a filter, the newest first, fetched as they are used."""
    key: tuple[Any, ...] = (None, None)
    while rows := sources.database.rows("alerts", **wanted.given(), opened_at=key[0], alert=key[1], limit=BATCH):
        yield from map(json_rows.alert, rows)
        key = _key(rows[-1])


def _rows(sources: Sources, wanted: Filter, after: str | None, limit: int) -> list[Row]:
    opened_at, behind = place(after, datetime, str)
    return sources.database.rows("alerts", **wanted.given(), opened_at=opened_at, alert=behind, limit=limit)


def _key(row: Row) -> tuple[Any, ...]:
    return row["opened_at"], row["alert_id"]


def alert(sources: Sources, alert_id: str) -> dict[str, Any]:
    """One alert, with its transitions and with what people did.

    Raises:
        NotThereError: there is no such alert.
    """
    row = sources.database.row("alert", alert=alert_id)
    if row is None:
        raise _unknown(alert_id)
    transitions = sources.database.rows("alert_transitions", alert=alert_id, limit=HISTORY)
    actions = sources.database.rows("actions", subject=alert_id, limit=HISTORY)
    return json_rows.alert(row) | {"is_open": json_rows.is_open(row), "transitions": [_transition(each) for each in transitions],
                                "actions": [json_rows.plain(each) for each in actions]}


def _transition(row: Row) -> dict[str, Any]:
    told = json_rows.plain(row)
    return {name: told[name] for name in ("transition", "level", "risk_score", "event_time", "was_held")} | {
        "message": {"en": row["message_en"], "ko": row["message_ko"]}}


def acknowledge(sources: Sources, alert_id: str, actor: str, address: str) -> dict[str, Any]:
    """Says that `actor` knows of the alert; the first acknowledgement stays. Returns the alert.

    Raises:
        NotThereError: there is no such alert.
    """
    return _act(sources, "acknowledge", "ACKNOWLEDGED", {"alert": alert_id, "actor": actor}, address)


def resolve(sources: Sources, alert_id: str, actor: str, address: str, resolution: str | None, note: str | None
            ) -> dict[str, Any]:
    """Says what the alert was, one of `RESOLUTIONS`, with a note; returns the alert.

    Raises:
        UnusableError: the resolution is none of those, or the note is too long.
        NotThereError: there is no such alert.
    """
    if resolution not in RESOLUTIONS:
        raise UnusableError(f"resolution must be one of: {', '.join(RESOLUTIONS)}")
    return _act(sources, "resolve", "RESOLVED", {"alert": alert_id, "actor": actor, "resolution": resolution,
                                                 "note": _note(note)}, address)


def _note(note: str | None) -> str | None:
    if note is not None and (len(note) > LONGEST_NOTE or "\0" in note):
        raise UnusableError(f"note must be at most {LONGEST_NOTE} characters")
    return (note or "").strip() or None


def _act(sources: Sources, statement: str, action: str, given: dict[str, Any], address: str) -> dict[str, Any]:
    """The change and its entry in the trail, both or none."""
    now = sources.now()
    with sources.database.transaction() as transaction:
        if not transaction.execute(statement, now=now, **given):
            raise _unknown(given["alert"])
        entry = {"resolution": None, "note": None} | given
        transaction.execute("record_alert_action", now=now, action=action, address=address, **entry)
    sources.feed.changed()
    row = sources.database.written("alert", alert=given["alert"])
    assert row is not None, "it was just changed, and only the retention deletes"
    return json_rows.alert(row)


def _unknown(alert_id: str) -> NotThereError:
    return NotThereError(f"there is no alert {alert_id}; cleared ones are deleted after the retention's days")
