"""Displays the state of the demo: live on a terminal, otherwise as plain lines."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from commands.demo.watch import Arrival

LEVELS = {"CRITICAL": "bold white on red", "HIGH": "bold red", "MEDIUM": "yellow", "LOW": "cyan", "NORMAL": "green"}
NEWEST = 8
PLAIN_SECONDS = 10.0
RATE_SECONDS = 5.0


@dataclass(frozen=True)
class Picture:
    """The state of the demo at one moment."""

    sent: int
    processed: int
    dead_letters: int
    devices: Mapping[str, int]
    open_alerts: int
    jobs: Mapping[str, str]
    arrivals: tuple[Arrival, ...]


@dataclass
class View:
    """Prints steps, alerts and states; `started` is the time of the launch by `time.monotonic`."""

    console: Console
    started: float
    addresses: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._live = Live(console=self.console, auto_refresh=False)
        self._history: deque[tuple[float, int, int]] = deque()
        self._shown = 0
        self._next_line = 0.0

    @property
    def elapsed(self) -> float:
        """The seconds since the launch."""
        return time.monotonic() - self.started

    def step(self, what: str) -> None:
        """Prints one step of the start or the end as a line."""
        self.console.print(Text(f"{self.elapsed:6.1f} s  {what}"), soft_wrap=True)

    def table(self, title: str, rows: Iterable[tuple[str, str]]) -> None:
        """Prints a table of names and values."""
        table = Table("", "", title=title, show_header=False, title_justify="left")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def show(self, picture: Picture) -> None:
        """Displays a state: redraws the terminal, or prints new alerts and at intervals a line."""
        rates = self._rates(picture)
        if self.console.is_terminal:
            self._live.start()
            self._live.update(self._drawn(picture, *rates), refresh=True)
        else:
            self._print(picture, *rates)

    def close(self) -> None:
        """Ends the live display and leaves its last state on the terminal."""
        self._live.stop()

    def _rates(self, picture: Picture) -> tuple[float, float]:
        now = time.monotonic()
        self._history.append((now, picture.sent, picture.processed))
        while now - self._history[0][0] > RATE_SECONDS:
            self._history.popleft()
        then, sent, processed = self._history[0]
        span = max(now - then, 0.001)
        return (picture.sent - sent) / span, (picture.processed - processed) / span

    def _print(self, picture: Picture, sending: float, processing: float) -> None:
        for arrival in picture.arrivals[self._shown:]:
            self.step(f"ALERT {sentence(arrival)}")
        self._shown = len(picture.arrivals)
        if self.elapsed >= self._next_line:
            self._next_line = self.elapsed + PLAIN_SECONDS
            self.step(status(picture, sending, processing))

    def _drawn(self, picture: Picture, sending: float, processing: float) -> RenderableType:
        figures = Table.grid(padding=(0, 3))
        figures.add_row("sent", f"{picture.sent:,}", f"{sending:,.1f}/s")
        figures.add_row("processed", f"{picture.processed:,}", f"{processing:,.1f}/s")
        figures.add_row("dead letters", f"{picture.dead_letters:,}")
        figures.add_row("open alerts", f"{picture.open_alerts:,}")
        figures.add_row("elapsed", f"{self.elapsed:,.0f} s")
        both = Table.grid(padding=(0, 2), expand=True)
        both.add_row(Panel(figures, title="readings"), Panel(_levels(picture.devices), title="devices by level"),
                     Panel(_pairs(picture.jobs), title="jobs"))
        return Group(both, Panel(_newest(picture.arrivals), title="alerts, newest first"),
                     Panel(_pairs(self.addresses), title="addresses (Ctrl-C stops everything)"))


def status(picture: Picture, sending: float, processing: float) -> str:
    """Formats a state as one plain line; the rates are messages per second."""
    devices = ", ".join(f"{level} {picture.devices[level]}" for level in LEVELS if picture.devices.get(level))
    jobs = ", ".join(f"{name} {state}" for name, state in sorted(picture.jobs.items()))
    return (f"sent {picture.sent:,} ({sending:,.1f}/s), processed {picture.processed:,} ({processing:,.1f}/s), "
            f"dead letters {picture.dead_letters:,}, open alerts {picture.open_alerts}; "
            f"devices: {devices or 'none yet'}; jobs: {jobs or 'none yet'}")


def sentence(arrival: Arrival) -> str:
    """Formats one transition of an alert as a line."""
    alert = arrival.alert
    return (f"{alert['transition']} {alert['level']} {alert['alert_type']} {alert['subject']} ({alert['site_id']}), "
            f"risk {alert['risk_score']:.2f}, {arrival.latency_ms / 1000:.1f} s after the message: "
            f"{alert['message_en']}")


def _levels(devices: Mapping[str, int]) -> Table:
    table = Table.grid(padding=(0, 2))
    for level, style in LEVELS.items():
        count = devices.get(level, 0)
        table.add_row(Text(level, style=style if count else "dim"), str(count), Text("█" * min(count, 20), style=style))
    return table


def _newest(arrivals: tuple[Arrival, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for arrival in reversed(arrivals[-NEWEST:]):
        alert = arrival.alert
        level = Text(alert["level"], style=LEVELS.get(alert["level"], ""))
        table.add_row(alert["event_time"][11:19], alert["transition"], level, alert["subject"],
                      alert["site_id"], alert["alert_type"], f"{arrival.latency_ms / 1000:.1f} s")
    return table


def _pairs(pairs: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for pair in pairs.items():
        table.add_row(*pair)
    return table
