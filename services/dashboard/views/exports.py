"""Exports alerts as CSV in which spreadsheets interpret no text as a formula."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from typing import Any

from services.dashboard.views import json_rows
from udfs.shown import plain

COLUMNS = ("alert_id", "state", "subject", "subject_kind", "site_id", "alert_type", "level", "peak_level", "risk_score",
           "peak_risk_score", "opened_at", "event_time", "last_candidate_at", "cleared_at", "candidate_count", "message_en",
           "message_ko", *json_rows.MEASUREMENTS, "status_bits", "acknowledged_at", "acknowledged_by", "resolved_at",
           "resolved_by", "resolution", "note", "note_at")
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # East Asian versions also accept the full-width ones
MARK = "\ufeff"
"""A byte order mark, without which spreadsheets read Korean as Latin-1."""


def csv_lines(alerts: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yields the header line and one line per alert."""
    yield MARK + _line(COLUMNS)
    for alert in alerts:
        flat = alert | alert["measurements"] | {f"message_{name}": text for name, text in alert["message"].items()}
        yield _line(cell(flat[name]) for name in COLUMNS)


def cell(value: Any) -> Any:
    """Returns the value of a cell; what is not a number is empty.

    Text has no control or bidirectional characters, and an apostrophe in front if it looks like a formula.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def _line(values: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()
