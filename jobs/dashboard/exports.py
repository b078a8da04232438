"""Alerts as CSV: for spreadsheets, which must take no text of ours for a formula."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from typing import Any

COLUMNS = ("alert_id", "state", "subject", "subject_kind", "site_id", "alert_type", "level", "peak_level", "risk_score",
           "peak_risk_score", "opened_at", "event_time", "last_candidate_at", "cleared_at", "candidate_count", "message_en",
           "message_ko", "max_temperature", "voltage", "current", "leakage_current", "resistive_leakage", "arc_count", "co_gas",
           "voc", "status_bits", "acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "resolution", "note",
           "note_at")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the wide ones count in East Asian settings
MARK = "\ufeff"
"""Without it a spreadsheet reads Korean as Latin-1."""


def csv_lines(alerts: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The header and a line for each alert."""
    yield MARK + _line(COLUMNS)
    for alert in alerts:
        flat = alert | alert["measurements"] | {f"message_{name}": text for name, text in alert["message"].items()}
        yield _line(cell(flat[name]) for name in COLUMNS)


def cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: such texts get an apostrophe before them; empty for what is no number."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value


def _line(values: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()
