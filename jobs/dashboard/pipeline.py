"""The engineer's page: jobs, lag, throughput, refused messages, versions of the registry, notifications."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any

from jobs.dashboard import shapes
from jobs.dashboard.paging import COUNTED, page, place
from jobs.dashboard.queries import Row
from jobs.dashboard.sources import Sources

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
REFUSALS = 20
SHOWN_CHARACTERS = 16_384
"""Of a refused message's base64; a multiple of 4, so that what is shown decodes."""
PRESENT = timedelta(minutes=3)


def pipeline(sources: Sources, after: str | None = None, limit: int = 20) -> dict[str, Any]:
    """How the pipeline is, with a page of dead letters.

    Raises:
        BadRequestError: the cursor is not one of the dead letters.
    """
    database, now, look = sources.database, sources.now(), sources.health.look
    counted = database.one("late_and_invalid", since=now - HOUR, until=now)
    letters = dead_letters(sources, after, limit)
    return {
        "as_of": shapes.stamp(now), "jobs": look.jobs, "lag": look.lag,
        "throughput": {"readings_per_second": look.readings_per_second, "late_last_hour": counted["late"],
                       "invalid_last_hour": counted["invalid"]},
        "dead_letters": letters, "profile_versions": _all(sources, "profile_versions", since=now - PRESENT),
        "store_refusals": _all(sources, "store_refusals", limit=REFUSALS),
        "notifications": _all(sources, "notifications", since=now - WEEK),
    }  # fmt: skip


def dead_letters(sources: Sources, after: str | None, limit: int) -> dict[str, Any]:
    """A page of refused messages, the newest first.

    Raises:
        BadRequestError: the cursor is not one of this list.
    """
    received_at, behind = place(after, datetime, str)
    rows = sources.database.rows("dead_letters", received_at=received_at, source=behind, most=SHOWN_CHARACTERS, limit=limit + 1)
    counted = sources.database.one("dead_letters_total", since=sources.now() - HOUR, most=COUNTED)
    found = page(rows, limit, counted["total"], _letter, lambda row: (row["received_at"], row["source"]))
    return found | {"last_hour": counted["last_hour"]}


def _letter(row: Row) -> dict[str, Any]:
    told = shapes.plain(row)
    shown = row["message"]
    return {"source": row["source"], "reason": row["reason"], "received_at": told["received_at"], "bytes": shown,
            "text": _text(shown, row["size"]), "size": row["size"],
            "is_cut": row["is_cut"] or len(shown or "") == SHOWN_CHARACTERS, "is_kept_whole": not row["is_cut"],
            "replayed_at": told["replayed_at"], "replayed_by": row["replayed_by"]}


def _text(encoded: str | None, size: int) -> str | None:
    """The message as text; None where it is none, or longer than what is shown."""
    try:
        raw = base64.b64decode(encoded or "", validate=True)
        return raw.decode() if encoded is not None and len(raw) == size else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _all(sources: Sources, statement: str, **given: Any) -> list[dict[str, Any]]:
    return [shapes.plain(row) for row in sources.database.rows(statement, **given)]
