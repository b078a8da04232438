"""Polls the parts of the system in the background, so that a scrape never waits for any of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from core.errors import FireError
from core.logs import Report

PERIOD_SECONDS = 10.0
Labels = tuple[str, ...]


class UnavailableError(FireError):
    """A part of the system does not answer; the message names it and states the cause."""


class Source(threading.Thread):
    """Polls one part of the system every 10 s; `families` holds its latest metrics, none while it does not answer.

    `problem` holds the unexpected error that ended the thread, if any.
    """

    def __init__(self, name: str, read: Callable[[], list[Metric]], stop: threading.Event, report: Report) -> None:
        super().__init__(name=name, daemon=True)
        self.problem: Exception | None = None
        self._read, self._stopped, self._report = read, stop, report
        self.families: list[Metric] = []
        self._trouble: str | None = "not asked yet"

    def run(self) -> None:
        """Polls until `stop` is set."""
        try:
            self.refresh()
            while not self._stopped.wait(PERIOD_SECONDS):
                self.refresh()
        except Exception as problem:  # the main thread raises it
            self.problem = problem

    def refresh(self) -> None:
        """Polls once; reports a failure when it begins or changes, not each time it repeats."""
        try:
            self.families, trouble = self._read(), None
        except UnavailableError as problem:
            self.families, trouble = [], str(problem)
        if trouble != self._trouble and trouble:
            self._report(f"{self.name} cannot be measured: {trouble}")
        self._trouble = trouble

    @property
    def is_up(self) -> bool:
        """Whether the part answered the latest poll."""
        return self._trouble is None


class Sources(Collector):
    """Exposes the latest metrics of all sources to a scrape."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """Yields whether each source is up, then the metrics of each."""
        yield gauge("fire_source_up", "whether this part of the system answers the exporter", ("source",),
                    {(source.name,): float(source.is_up) for source in self._sources})
        for source in self._sources:
            yield from source.families


def gauge(name: str, about: str, labels: Labels, values: dict[Labels, float]) -> Metric:
    """Returns a gauge family with one value per set of labels."""
    return _filled(GaugeMetricFamily(name, about, labels=labels), values)


def counter(name: str, about: str, labels: Labels, values: dict[Labels, float]) -> Metric:
    """Returns a counter family with one value per set of labels; `_total` is appended to `name`."""
    return _filled(CounterMetricFamily(name, about, labels=labels), values)


def _filled(family: Any, values: dict[Labels, float]) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family  # type: ignore[no-any-return]
