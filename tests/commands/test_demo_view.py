"""The demo displays its state live on a terminal, and otherwise as plain lines."""

from __future__ import annotations

import io
import time

from rich.console import Console

from commands.demo.view import Picture, View
from commands.demo.watch import Arrival

ALERT = {"alert_id": "a", "transition": "OPENED", "level": "CRITICAL", "alert_type": "TEMPERATURE_CRITICAL",
         "subject": "dev-0001", "site_id": "site-1", "risk_score": 0.8, "event_time": "2025-10-09T09:00:00.250Z",
         "message_en": "It is hot."}
ARRIVAL = Arrival(ALERT, 1_760_000_401_000)


def picture(*arrivals: Arrival) -> Picture:
    """Returns the state of a demo in which one device burns."""
    return Picture(sent=1234, processed=1200, dead_letters=2, devices={"CRITICAL": 1, "NORMAL": 29},
                   open_alerts=len(arrivals), jobs={"detect": "RUNNING"}, arrivals=arrivals)


def shown(*pictures: Picture, is_terminal: bool) -> str:
    """Returns what a view prints for these states, shown one after the other."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=140, height=50)
    view = View(console, time.monotonic(), {"Kafka": "127.0.0.1:9092"})
    for each in pictures:
        view.show(each)
    view.close()
    return output.getvalue()


def test_every_alert_becomes_one_plain_line() -> None:
    text = shown(picture(), picture(ARRIVAL), picture(ARRIVAL), is_terminal=False)
    assert text.count("ALERT OPENED CRITICAL TEMPERATURE_CRITICAL dev-0001 (site-1), risk 0.80, "
                      "0.8 s after the message: It is hot.") == 1


def test_plain_status_line_comes_at_its_interval_only() -> None:
    text = shown(picture(), picture(), picture(), is_terminal=False)
    assert text.count("sent 1,234") == 1
    assert "devices: CRITICAL 1, NORMAL 29; jobs: detect RUNNING" in text


def test_terminal_shows_levels_alerts_jobs_and_addresses() -> None:
    text = shown(picture(ARRIVAL), is_terminal=True)
    words = ("1,234", "CRITICAL", "dev-0001", "TEMPERATURE_CRITICAL", "RUNNING", "127.0.0.1:9092")
    assert all(word in text for word in words)
