"""Template filters and functions: texts in the page's language, numbers with units, times, links and bytes."""

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

from contract.declared import CONTRACT
from services.dashboard import wording
from services.dashboard.auth import locale
from services.dashboard.views import doughnut, series
from udfs.readings.scoring import LEVELS
from udfs.texts.alert_texts import ALERT_TYPES

MISSING = "–"
UNPRINTABLE = re.compile(r"[^\t\n\r -~\u00a0-\ud7ff\ue000-\ufffd]")
HEX_COLUMNS = 16
SHOWN_BYTES = 2048
LONG_NUMBER = 1e12
"""The number from which on an exponent is shown."""
RESOLUTIONS = ("confirmed_hazard", "false_alarm", "maintenance")
STATES = ("open", "acknowledged", "cleared", "resolved", "all")
UNITS = {each.name: (each.unit, each.digits) for each in CONTRACT.shown_with_alerts}
"""The unit and the number of decimals of each measurement of an alert."""
CHARTS = [(each.chart, each.unit, each.digits) for each in CONTRACT.charted]
"""The series of a device's last 24 hours with their units and decimals."""


def install(app: Flask) -> None:
    """Adds the filters and functions of this module to an app's templates."""
    app.jinja_env.filters.update(number=number, quantity=quantity, stamp=stamp, decoded=decoded, share=share, size=size,
                                 path_part=path_part, day_table=series.quarters, doughnut=doughnut.arcs, markers=markers)
    app.context_processor(_names)


def _names() -> dict[str, Any]:
    """Returns the names that the templates of this request can use."""
    chosen = locale.chosen()
    return {
        "lang": chosen, "here": here(), "LEVELS": LEVELS[::-1], "KINDS": sorted(ALERT_TYPES), "RESOLUTIONS": RESOLUTIONS,
        "STATES": STATES, "UNITS": UNITS, "CHARTS": CHARTS, "query": query, "is_resolved": is_resolved,
        "has_wording": wording.catalogue().__contains__,
        "t": lambda key, **values: wording.say(chosen, key, values),
        "level_name": lambda name: wording.level(name, chosen), "kind_name": lambda name: wording.kind(name, chosen),
        "measurement_name": lambda name: wording.measurement(name, chosen),
        "advice_text": lambda name: wording.advice(name, chosen),
        "reason_text": lambda reason: reason_text(reason, chosen),
    }  # fmt: skip


def number(value: float | None, digits: int = 0) -> str:
    """Formats a number as `1,234.5` or `3.4e+38`; one that is missing or not finite becomes a dash."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.{digits}f}" if abs(value) < LONG_NUMBER else f"{value:.3g}"


def quantity(value: float | None, unit: str | None, digits: int = 2) -> str:
    """Formats a value with its unit as `72.4 °C`, without trailing zeros and with a non-breaking space."""
    spelled = number(value, digits)
    if spelled == MISSING:
        return MISSING
    is_long = "." in spelled and "e" not in spelled
    return (spelled.rstrip("0").rstrip(".") if is_long else spelled) + (f"\u00a0{unit}" if unit else "")


def share(part: float | None, whole: float | None) -> int:
    """Returns the percentage of `part` in `whole`, from 0 to 100; 0 if the whole is zero or missing."""
    of_whole = (part or 0) / whole if whole else 0.0
    return 0 if math.isnan(of_whole) else round(100 * min(max(of_whole, 0), 1))


def size(count: float | None) -> str:
    """Formats a number of bytes as `12.3 MB`."""
    if count is None:
        return MISSING
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return quantity(count, unit, 1)
        count /= 1000
    return quantity(count, "GB", 1)


def stamp(iso: str | datetime | None, style: str = "time") -> Markup:
    """Returns a `<time>` element in UTC, which the page's script converts to the viewer's zone; `style` is `time` or `ago`."""
    if iso is None:
        return Markup("–")
    at = iso if isinstance(iso, datetime) else datetime.fromisoformat(iso)
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}" data-style="{}">{}</time>').format(
        f"{utc:%Y-%m-%dT%H:%M:%S}Z", f"{utc:%Y-%m-%d %H:%M:%S} UTC", style, f"{utc:%Y-%m-%d %H:%M:%S} UTC")


def is_resolved(alert: Mapping[str, Any]) -> bool:
    """Returns whether an alert was resolved and has had no event since; ISO-8601 times in UTC compare as strings."""
    return alert["resolved_at"] is not None and alert["event_time"] <= alert["resolved_at"]


def path_part(text: str) -> str:
    """Escapes an id as a single segment of a path."""
    return quote(text, safe="")


def markers(alerts: Iterable[Mapping[str, Any]], chosen: str) -> list[dict[str, str]]:
    """Returns the marks on the charts' time axis: when each alert opened, its peak level, its title and the path of its page."""
    return [{"at": alert["opened_at"], "level": alert["peak_level"] or alert["level"],
             "title": f"{wording.level(alert['level'], chosen)}, {wording.kind(alert['alert_type'], chosen)}",
             "path": f"/alerts/{path_part(alert['alert_id'])}"} for alert in alerts]


def here() -> str:
    """Returns the path and query of this page as a return address, without `lang`, so that the chosen language stays."""
    kept = query(lang=None)
    return request.path + (f"?{kept}" if kept else "")


def query(**changed: str | None) -> str:
    """Returns this request's query string with some fields changed, or removed if None."""
    fields = {name: text for name, text in (request.args.to_dict() | changed).items() if text}
    return urlencode(fields)


def reason_text(reason: Mapping[str, Any], chosen: str) -> str:
    """Returns the text of a reason in the language, or its English detail if the catalogue has no such reason."""
    try:
        return wording.say(chosen, f"reason.{reason['code']}", reason.get("values"))
    except KeyError:
        return str(reason["detail"])


def decoded(data: str | None) -> str:
    """Decodes base64 and returns the first 2 kB as text, or as a hex dump if the bytes are not printable UTF-8.

    Text that is not base64 is returned as it is.
    """
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
    """Formats bytes as lines of an offset, 16 bytes and their printable characters."""
    lines = (raw[start : start + HEX_COLUMNS] for start in range(0, len(raw), HEX_COLUMNS))
    return "\n".join(f"{HEX_COLUMNS * row:06x}  {line.hex(' '):<47}  {_printable(line)}" for row, line in enumerate(lines))


def _printable(line: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)


