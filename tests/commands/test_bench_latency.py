"""`./fire bench --only latency`: what counts as an arrival, when it is void, and what it says about bursts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from commands.bench import bench, latency, load, memory
from commands.bench.arrivals import Selection
from commands.bench.latency import DEMO, STEADY, Burst, Seen
from commands.bench.load import Load, alarmed
from commands.bench.sampler import Sampler
from commands.cli import main
from commands.demo.watch import Arrival
from commands.simulate.fleet import messages
from commands.simulate.scenarios import Plan
from infra.local import processes, stack
from tests.support.waiting import until

START = 1_760_000_400.0


def arrival(subject: str, after_ms: int, cause: str = "readings", at: float = START) -> Arrival:
    """An alert whose event is at epoch second `at` and which arrives `after_ms` later."""
    time_ = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return Arrival({"subject": subject, "alert_type": "T", "cause": cause, "event_time": time_}, round(at * 1000) + after_ms)


def seen(*alerts: Arrival, problems: tuple[str, ...] = (), behind: float = 0.01) -> Seen:
    """A measurement that has seen these alerts, with a burst from the 25th to the 45th second."""
    listener: Any = SimpleNamespace(alerts=list(alerts), candidates=list(alerts))
    before, on_top = (Load(Plan(rate=rate, prefix=prefix), 1000, START + since, 10.0, behind)
                      for rate, prefix, since in ((500.0, "quiet", 0.0), (4500.0, "burst", 25.0)))
    waiting = [(START + second, count) for second, count in ((1, 20), (30, 900), (44, 400), (46, 60), (48, 20))]
    return Seen(listener, [(START, {"Kafka": 300.0, "Flink": 900.0}), (START + 2, {"Kafka": 400.0, "Flink": 1700.0})], waiting,
                [before, on_top], [Burst(before, on_top)], list(problems))


def test_arrivals_are_selected_by_fleet_cause_and_event_time() -> None:
    arrivals = [arrival("a-1", 100), arrival("a-2", 200, "temperature_rises"), arrival("b-1", 300),
                arrival("a-3", 400, at=START + 9)]
    assert Selection("a", of_readings=True).of(arrivals) == [100, 400]
    assert Selection("a", of_readings=False).of(arrivals) == [200]
    assert Selection("a", of_readings=True, since=START + 9).of(arrivals) == [400]
    assert Selection("a", of_readings=True, until=START + 9).of(arrivals) == [100]


def test_figures_say_whether_each_aim_is_reached() -> None:
    prompt = [arrival(f"{DEMO.prefix}-{n}", 100) for n in range(5)] + [arrival(f"{STEADY.prefix}-{n}", 900) for n in range(5)]
    figures = dict(latency.figures(seen(*prompt)))
    assert figures["reading → alert at the demo's 15 messages/s"].startswith("p50 0.10 s, p99 0.10 s")
    assert figures["reading → alert at the demo's 15 messages/s"].endswith("p99 at most 0.5 s: reached")
    assert figures["reading → alert at 5,000 messages/s"].endswith("p99 at most 0.7 s: NOT reached")


def test_window_that_only_the_next_load_closes_does_not_count() -> None:
    ends = {60: 5_700, 110: 5_800, 118: 9_000}
    measured = seen(*(arrival(f"{DEMO.prefix}-1", delay, "temperature_rises", START + at) for at, delay in ends.items()))
    measured.loads.append(Load(DEMO, 1_800, START, 120.0, 0.0))
    figures = dict(latency.figures(measured))
    assert figures["end of a window → its alert at 15 messages/s"] == (
        "p50 5.75 s, p99 5.80 s, max 5.80 s (2); p99 at most 6 s: reached")


def test_too_few_arrivals_are_no_figure() -> None:
    assert latency.quantiles([7]) == "not measured, 1 arrived"


def test_burst_is_reported_before_during_and_after() -> None:
    spans = [arrival(f"burst-{n}", delay, at=START + at) for at, delay in ((5, 100), (30, 300), (60, 200)) for n in range(3)]
    figures = dict(latency.figures(seen(*spans)))
    title = "500 → 5,000 messages/s"
    assert [figures[f"{title}: reading → alert {span} the burst"][:10] for span in ("before", "in", "after")] == [
        "p50 0.10 s", "p50 0.30 s", "p50 0.20 s"]
    assert figures[f"{title}: readings that waited"] == "at most 20 before, 900 in, as few as before 3.0 s after its end"


def test_memory_is_that_of_all_parts_at_their_common_peak() -> None:
    figures = dict(latency.figures(seen()))
    assert figures["memory of the stack at its peak, proportional set size"] == "2,100 MB; at most 2,000: NOT reached"
    assert figures["… by part, MB"] == "Flink 1,700, Kafka 400"


def test_void_measurement_gives_its_reasons_and_no_figure(monkeypatch: pytest.MonkeyPatch,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(latency, "measure", lambda: seen(problems=("2 of 9 alerts of steady did not arrive",)))
    monkeypatch.setattr(bench, "Console", lambda: SimpleNamespace(print=lambda table: print(*table.columns[1].cells)))
    assert main(["bench", "--only", "latency"]) == 1
    assert capsys.readouterr().out == "2 of 9 alerts of steady did not arrive\n"


def test_sender_that_falls_behind_its_rate_voids_the_measurement() -> None:
    behind = Load(STEADY, 300_000, START, 75.0, load.MOST_BEHIND_SECONDS + 0.1)
    assert behind.problems == ["the sender was 1.1 s behind 5,000 messages/s and reached 4,000/s; measure on a machine with less "
                               "other work"]
    assert not Load(STEADY, 300_000, START, 60.0, 0.2).problems
    assert not Load(latency.FLOOD, 100_000, START, 7.0, 6.9).problems, "it has no rate to keep"


def test_every_device_that_becomes_hot_must_raise_an_alert_and_no_other() -> None:
    plan = Plan(scenario="hot-spots", devices=20, sites=2, rate=20.0, duration=4.0, onset=1.0)
    sending = {key.decode() for key, _ in messages(plan, 0)}
    assert {device for device, _ in alarmed(plan)} == {f"dev-{number:04d}" for number in range(1, 11)} < sending
    assert not alarmed(Plan(scenario="normal", count=100))


def test_sampler_takes_figures_until_its_end_and_raises_what_went_wrong() -> None:
    figures = iter([1, 2, 3])
    with pytest.raises(StopIteration), Sampler(lambda: next(figures), 0.0) as sampler:
        until(lambda: len(sampler.samples) == 3, "three samples")
    assert [figure for _, figure in sampler.samples] == [1, 2, 3]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Starts a process with a child that holds 50 MB, as the only part of a stack."""
    holding = "import sys; data = bytearray(b'x') * 50_000_000; sys.stdin.read()"
    program = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {holding!r}], stdin=subprocess.PIPE).wait()"
    parts = {"Supervisor": tmp_path / "supervisor", "Kafka": tmp_path / "supervisor" / "child"}
    monkeypatch.setattr(stack, "folders", lambda home: parts)
    processes.start(parts["Kafka"], [sys.executable, "-c", program], env=os.environ)
    yield parts["Kafka"]
    processes.stop(parts["Kafka"])


def test_memory_counts_the_descendants_of_a_part(started: Path, tmp_path: Path) -> None:
    until(lambda: memory.by_part(tmp_path)["Kafka"] > 50, "50 MB of a child")
    assert memory.by_part(tmp_path)["Supervisor"] == 0


def test_process_that_has_ended_occupies_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert memory.proportional_mb(ended.pid) == 0
