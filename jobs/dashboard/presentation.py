"""How the templates write what they show: texts of the language, numbers with units, times, links, bytes."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, request
from markupsafe import Markup

from jobs.dashboard import doughnut, language, series, wording
from udfs.kinds import KINDS
from udfs.scoring import LEVELS

MISSING = "–"
UNPRINTABLE = re.compile(r"[^\t\n\r -~\u00a0-\ud7ff\ue000-\ufffd]")
HEX_COLUMNS = 16
SHOWN_BYTES = 2048
LONG_NUMBER = 1e12
"""From here on a number is written with an exponent."""
RESOLUTIONS = ("confirmed_hazard", "false_alarm", "maintenance")
STATES = ("open", "acknowledged", "cleared", "resolved", "all")
UNITS = {"max_temperature": ("°C", 1), "voltage": ("V", 1), "current": ("A", 1), "leakage_current": ("mA", 2),
         "resistive_leakage": ("mA", 2), "arc_count": ("", 0), "co_gas": ("ppm", 1), "voc": ("µg/m³", 1)}
"""The measurements of an alert with their units and decimals."""


def install(app: Flask) -> None:
    """Gives an app's templates these filters and names."""
    app.jinja_env.filters.update(number=number, quantity=quantity, stamp=stamp, decoded=decoded, share=share, size=size,
                                 path_part=path_part, day_table=series.quarters, doughnut=doughnut.arcs, markers=markers)
    app.context_processor(_names)


def _names() -> dict[str, Any]:
    """What every template of this request may call."""
    chosen = language.chosen()
    return {
        "lang": chosen, "here": here(), "LEVELS": LEVELS[::-1], "KINDS": sorted(KINDS), "RESOLUTIONS": RESOLUTIONS,
        "STATES": STATES, "UNITS": UNITS, "query": query, "is_resolved": is_resolved,
        "has_wording": wording.catalogue().__contains__,
        "t": lambda key, **values: wording.say(chosen, key, values),
        "level_name": lambda name: wording.level(name, chosen), "kind_name": lambda name: wording.kind(name, chosen),
        "measurement_name": lambda name: wording.measurement(name, chosen),
        "reason_text": lambda reason: reason_text(reason, chosen),
    }  # fmt: skip


def number(value: float | None, digits: int = 0) -> str:
    """`1,234.5`, `3.4e+38`; a dash for what was not measured or is no number."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.{digits}f}" if abs(value) < LONG_NUMBER else f"{value:.3g}"


def quantity(value: float | None, unit: str | None, digits: int = 2) -> str:
    """`72.4 °C`: as many decimals as matter, a space that does not break."""
    spelled = number(value, digits)
    if spelled == MISSING:
        return MISSING
    is_long = "." in spelled and "e" not in spelled
    return (spelled.rstrip("0").rstrip(".") if is_long else spelled) + (f"\u00a0{unit}" if unit else "")


def share(part: float | None, whole: float | None) -> int:
    """How many hundredths of the whole a part is, 0 to 100; 0 of nothing."""
    of_whole = (part or 0) / whole if whole else 0.0
    return 0 if math.isnan(of_whole) else round(100 * min(max(of_whole, 0), 1))


def size(count: float | None) -> str:
    """Bytes as people read them: `12.3 MB`."""
    if count is None:
        return MISSING
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return quantity(count, unit, 1)
        count /= 1000
    return quantity(count, "GB", 1)


def stamp(iso: str | datetime | None, style: str = "time") -> Markup:
    """A `<time>` in UTC that the page's script turns into the viewer's zone; `style` is `time` or `ago`."""
    if iso is None:
        return Markup("–")
    at = iso if isinstance(iso, datetime) else datetime.fromisoformat(iso)
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}" data-style="{}">{}</time>').format(
        f"{utc:%Y-%m-%dT%H:%M:%S}Z", f"{utc:%Y-%m-%d %H:%M:%S} UTC", style, f"{utc:%Y-%m-%d %H:%M:%S} UTC")


def is_resolved(alert: Mapping[str, Any]) -> bool:
    """Whether an alert was resolved and has been quiet since; ISO-8601 in UTC sorts as text."""
    return alert["resolved_at"] is not None and alert["event_time"] <= alert["resolved_at"]


def path_part(text: str) -> str:
    """An id as one part of a path, whatever characters it has."""
    return quote(text, safe="")


def markers(alerts: Iterable[Mapping[str, Any]], chosen: str) -> list[dict[str, str]]:
    """What the charts mark on their time axis: when each alert opened, its worst level, its name and its page."""
    return [{"at": alert["opened_at"], "level": alert["peak_level"] or alert["level"],
             "title": f"{wording.level(alert['level'], chosen)}, {wording.kind(alert['alert_type'], chosen)}",
             "path": f"/alerts/{path_part(alert['alert_id'])}"} for alert in alerts]


def here() -> str:
    """This page's path with its query, to come back to; without a language, so that the switch holds."""
    kept = query(lang=None)
    return request.path + (f"?{kept}" if kept else "")


def query(**changed: str | None) -> str:
    """This request's query string with some fields changed, or left out where None."""
    fields = {name: text for name, text in (request.args.to_dict() | changed).items() if text}
    return urlencode(fields)


def reason_text(reason: Mapping[str, Any], chosen: str) -> str:
    """Why the system is degraded, in the language if the catalogue knows the reason, else as the system put it."""
    try:
        return wording.say(chosen, f"reason.{reason['code']}", reason.get("values"))
    except KeyError:
        return str(reason["detail"])


def decoded(data: str | None) -> str:
    """Bytes in base64 as text where they are text, else as a hex dump; the first 2 kB. What is no base64 stays as it is."""
    try:
        raw = base64.b64decode(data or "")
    except binascii.Error:
        return str(data)[:SHOWN_BYTES]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return hex_dump(raw[:SHOWN_BYTES])
    return hex_dump(raw[:SHOWN_BYTES]) if UNPRINTABLE.search(text) else text[:SHOWN_BYTES]


def hex_dump(raw: bytes) -> str:
    """Offsets, bytes and the printable ones of them, 16 a line."""
    lines = (raw[start : start + HEX_COLUMNS] for start in range(0, len(raw), HEX_COLUMNS))
    return "\n".join(f"{HEX_COLUMNS * row:06x}  {line.hex(' '):<47}  {_printable(line)}" for row, line in enumerate(lines))


def _printable(line: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)


