"""Fills a results database with an invented fleet, to test and measure its readers."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

FLEET, CHANGE = (Path(__file__).with_name(f"sample_{name}.sql") for name in ("fleet", "change"))
EXPLANATION = [{"name": "pcb_temperature", "value": 72.4, "unit": "°C", "limit": 65.0, "points": 0.8,
                "text": "pcb_temperature 72.4 °C > 65 °C: floor 0.8"}]


def keep_changing(database: dict[str, Any], stop: threading.Event, seconds: float = 0.5) -> None:
    """Changes a row every `seconds` until `stop` is set."""
    with psycopg.connect(**database, autocommit=True) as connection:
        while not stop.wait(seconds):
            connection.execute(CHANGE.read_bytes())


def fill(database: dict[str, Any], devices: int, alerts: int, now: datetime | None = None, script: Path = FLEET) -> None:
    """Writes `devices` devices, 20 per site, with readings of the ten minutes before `now`, and `alerts` open alerts.

    `database` are keyword arguments of `psycopg.connect`; `now` defaults to the database's current time.
    """
    with psycopg.connect(**database, autocommit=True) as connection:
        (present,) = connection.execute("SELECT coalesce(%s::timestamptz, now())", [now]).fetchone() or (now,)
        parameters = {"devices": devices, "alerts": alerts, "now": present, "explanation": json.dumps(EXPLANATION)}
        for each in filter(str.strip, script.read_text(encoding="utf-8").split(";\n")):
            connection.execute(each.encode(), parameters)
