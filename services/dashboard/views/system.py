"""View model of the engineers' page: jobs, lag, throughput, refused messages, registry versions and notifications."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any

from services.dashboard.postgres import Row
from services.dashboard.sources import Sources
from services.dashboard.views import json_rows
from services.dashboard.views.paging import COUNTED, page, position

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
REFUSALS = 20
SHOWN_CHARACTERS = 16_384
"""The length to which the base64 of a refused message is cut; a multiple of 4, so that the rest still decodes."""
PRESENT = timedelta(minutes=3)


def pipeline(sources: Sources, after: str | None = None, limit: int = 20) -> dict[str, Any]:
    """Returns the state of the pipeline with a page of dead letters.

    Raises:
        BadRequestError: the cursor does not belong to the list of dead letters.
    """
    database, now, snapshot = sources.database, sources.now(), sources.health.snapshot
    counted = database.one("late_and_invalid", since=now - HOUR, until=now)
    letters = dead_letters(sources, after, limit)
    return {
        "as_of": json_rows.stamp(now), "jobs": snapshot.jobs, "lag": snapshot.lag,
        "throughput": {"readings_per_second": snapshot.readings_per_second, "late_last_hour": counted["late"],
                       "invalid_last_hour": counted["invalid"]},
        "dead_letters": letters, "profile_versions": _all(sources, "profile_versions", since=now - PRESENT),
        "store_refusals": _all(sources, "store_refusals", limit=REFUSALS),
        "notifications": _all(sources, "notifications", since=now - WEEK),
    }  # fmt: skip


def dead_letters(sources: Sources, after: str | None, limit: int) -> dict[str, Any]:
    """Returns a page of refused messages, newest first.

    Raises:
        BadRequestError: the cursor does not belong to this list.
    """
    received_at, source = position(after, datetime, str)
    rows = sources.database.rows("dead_letters", received_at=received_at, source=source, most=SHOWN_CHARACTERS, limit=limit + 1)
    counted = sources.database.one("dead_letters_total", since=sources.now() - HOUR, most=COUNTED)
    letters = page(rows, limit, counted["total"], _letter, lambda row: (row["received_at"], row["source"]))
    return letters | {"last_hour": counted["last_hour"]}


def _letter(row: Row) -> dict[str, Any]:
    values = json_rows.plain(row)
    shown = row["message"]
    return {"source": row["source"], "reason": row["reason"], "received_at": values["received_at"], "bytes": shown,
            "text": _text(shown, row["size"]), "size": row["size"],
            "is_cut": bool(row["is_cut"]) or len(shown or "") == SHOWN_CHARACTERS, "is_kept_whole": not row["is_cut"],
            "replayed_at": values["replayed_at"], "replayed_by": row["replayed_by"]}


def _text(encoded: str | None, size: int) -> str | None:
    """Returns the message as text; None if it is not UTF-8 or is shown only in part."""
    try:
        raw = base64.b64decode(encoded or "", validate=True)
        return raw.decode() if encoded is not None and len(raw) == size else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _all(sources: Sources, statement: str, **parameters: Any) -> list[dict[str, Any]]:
    return [json_rows.plain(row) for row in sources.database.rows(statement, **parameters)]
