"""A part of the system that the exporter asks again and again, apart from the scrapes: a scrape never waits for it."""

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
    """A part does not answer; the text says which and why."""


class Source(threading.Thread):
    """Asks one part every 10 s; `families` is what it last said, and empty while it does not answer.

    `problem` is an error that nobody expected; the thread has ended with it.
    """

    def __init__(self, name: str, read: Callable[[], list[Metric]], stop: threading.Event, report: Report) -> None:
        super().__init__(name=name, daemon=True)
        self.problem: Exception | None = None
        self._read, self._stopped, self._report = read, stop, report
        self.families: list[Metric] = []
        self._trouble: str | None = "not asked yet"

    def run(self) -> None:
        """Until it is stopped."""
        try:
            self.refresh()
            while not self._stopped.wait(PERIOD_SECONDS):
                self.refresh()
        except Exception as problem:  # the main thread raises it
            self.problem = problem

    def refresh(self) -> None:
        """Asks once; the same trouble is reported once."""
        try:
            self.families, trouble = self._read(), None
        except UnavailableError as problem:
            self.families, trouble = [], str(problem)
        if trouble != self._trouble and trouble:
            self._report(f"{self.name} cannot be measured: {trouble}")
        self._trouble = trouble

    @property
    def is_up(self) -> bool:
        """Whether the part answered when it was last asked."""
        return self._trouble is None


class Sources(Collector):
    """All sources as a scrape sees them."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """Whether each part answers, and what it said."""
        yield gauge("fire_source_up", "whether this part of the system could be asked for its figures", ("source",),
                    {(source.name,): float(source.is_up) for source in self._sources})
        for source in self._sources:
            yield from source.families


def gauge(name: str, about: str, labels: Labels, values: dict[Labels, float]) -> Metric:
    """A family of values that rise and fall, one a set of labels."""
    return _filled(GaugeMetricFamily(name, about, labels=labels), values)


def counter(name: str, about: str, labels: Labels, values: dict[Labels, float]) -> Metric:
    """A family of counts, one a set of labels; `name` without the `_total` that is added to it."""
    return _filled(CounterMetricFamily(name, about, labels=labels), values)


def _filled(family: Any, values: dict[Labels, float]) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family  # type: ignore[no-any-return]
