"""Measures how long alerts take on an embedded stack of its own: at the demo's rate, under load, and through bursts.

Latency is from the time of a message, or the end of a window, to the arrival of the alert at a consumer. Devices become hot one
after another, so that a steady stream of readings raises alerts, and every alert that must come is known beforehand.

The store, which no alert waits for, is submitted last: on two cores it would take the time of what is measured.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from commands.bench import memory
from commands.bench.arrivals import Backlog, Listener, Selection
from commands.bench.load import Load, alarmed, send
from commands.bench.sampler import Sampler
from commands.simulate.scenarios import Plan

if TYPE_CHECKING:
    from core.embedded_stack import Stack

STEADY = Plan(scenario="hot-spots", devices=1000, sites=50, rate=5000.0, duration=60.0, onset=2.0, prefix="steady")
WARM_UP = replace(STEADY, devices=60, sites=3, duration=75.0, prefix="warm")
"""Few devices, because what devices leave behind, such as alerts of their silence, would disturb later measurements."""
FLOOD = replace(WARM_UP, scenario="normal", rate=1e6, duration=None, count=100_000, prefix="flood")
"""As fast as one sender can."""
DEMO = Plan(scenario="spreading-fire", devices=30, sites=3, rate=15.0, duration=120.0, onset=10.0, prefix="demo")
STORED = replace(STEADY, scenario="normal", rate=500.0, prefix="stored")
QUIET_SECONDS, BURST_AFTER, BURST_SECONDS = 70.0, 25.0, 20.0
SENDERS, SHARE_OF_FLOOD = 2, 0.7
DRAIN_SECONDS = 90.0
"""Longest wait for what must come of a load after its end."""
AT_DEMO_RATE, OF_WINDOWS, UNDER_LOAD, MEMORY_MB = 0.5, 6.0, 0.7, 2000.0
"""What is aimed at: seconds of p99 from a reading, from the end of a window and at 5,000 messages/s, and MB of the stack."""


@dataclass(frozen=True)
class Burst:
    """A steady load and the one that came on top of it."""

    before: Load
    on_top: Load

    @property
    def spans(self) -> dict[str, tuple[float, float]]:
        """The spans before, in and after the burst, in epoch seconds."""
        since, until = self.on_top.start, self.on_top.start + BURST_SECONDS
        return {"before": (0.0, since), "in": (since, until), "after": (until, float("inf"))}


@dataclass
class Seen:
    """What has been measured: the loads, what arrived, the MB of each part and the waiting readings over time."""

    listener: Listener
    sizes: Sequence[tuple[float, dict[str, float]]]
    waiting: Sequence[tuple[float, int]]
    loads: list[Load] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def measure() -> Seen:
    """Sends all loads to a new stack, one after another, and waits for what must come of each."""
    from commands.cluster.submit import submit
    from core import installation
    from core.settings import Settings
    from infra.local import stack

    home = installation.home_folder(Settings.load())
    # Started anew, as a fork would inherit the locks of Kafka's and gRPC's threads.
    with (stack.own(home, "bench", _say) as running,
          ProcessPoolExecutor(SENDERS, multiprocessing.get_context("spawn")) as senders):
        submit(running, jobs=("detect", "alert"))
        backlog = Backlog(running.settings())
        with (Listener(running.settings()) as listener, Sampler(partial(memory.by_part, running.home), 2.0) as sizes,
              Sampler(backlog, 0.25) as waiting):
            seen = Seen(listener, sizes.samples, waiting.samples)
            _Bench(running, senders, backlog, seen).run()
        backlog.close()
    return seen


@dataclass(frozen=True)
class _Bench:
    """A running stack, processes that send to it, and what has been measured so far."""

    running: Stack
    senders: ProcessPoolExecutor
    backlog: Backlog
    seen: Seen

    def run(self) -> None:
        """Sends one load after another, until one makes the measurement void."""
        alone: list[Callable[[], None]] = [partial(self._load, plan) for plan in (WARM_UP, FLOOD, DEMO, STEADY)]
        for send_all in (*alone, self._tenfold, self._flooded, self._stored):
            send_all()
            if self.seen.problems:
                return

    def _tenfold(self) -> None:
        self._burst(500.0, 4500.0)

    def _flooded(self) -> None:
        flood = next(load for load in self.seen.loads if load.plan == FLOOD)
        self._burst(5000.0, max(SHARE_OF_FLOOD * flood.messages / flood.seconds - 5000.0, 1.0))

    def _stored(self) -> None:
        """Adds the store, which has to catch up with everything, so that the memory of the whole stack under load is seen."""
        from commands.cluster.submit import submit

        submit(self.running, jobs=("store",))
        self._load(STORED)

    def _load(self, plan: Plan) -> None:
        due = self.senders.submit(alarmed, plan).result()
        _say(f"sends {plan.prefix}: {plan.rate:,.0f} messages/s")
        self._drain([self._send(plan).result()], due)

    def _burst(self, rate: float, more: float) -> None:
        before = replace(STEADY, rate=rate, duration=QUIET_SECONDS, prefix=f"quiet-{rate:.0f}")
        on_top = replace(STEADY, rate=more, duration=BURST_SECONDS, prefix=f"burst-{rate:.0f}")
        due = set[tuple[str, str]]().union(*self.senders.map(alarmed, (before, on_top)))
        _say(f"sends {rate:,.0f} messages/s, and {more:,.0f} more for {BURST_SECONDS:.0f} s")
        first = self._send(before)
        time.sleep(BURST_AFTER)
        burst = Burst(on_top=self._send(on_top).result(), before=first.result())
        self.seen.bursts.append(burst)
        self._drain([burst.before, burst.on_top], due)

    def _send(self, plan: Plan) -> Future[Load]:
        return self.senders.submit(send, plan, self.running.kafka_brokers, self.running.settings().topic("telemetry"))

    def _drain(self, loads: Sequence[Load], due: set[tuple[str, str]]) -> None:
        """Waits until every message is a reading and every alert has arrived, or the deadline has passed."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while (self.backlog() or due - self.seen.listener.opened()) and time.monotonic() < deadline:
            time.sleep(0.2)
        self.seen.loads.extend(loads)
        self.seen.problems.extend(problem for load in loads for problem in load.problems)
        names = " and ".join(load.plan.prefix for load in loads)
        if missing := due - self.seen.listener.opened():
            self.seen.problems.append(f"{len(missing):,} of {len(due):,} alerts of {names} did not arrive within "
                                      f"{DRAIN_SECONDS:.0f} s; see the jobs' logs")
        if left := self.backlog():
            self.seen.problems.append(f"{left:,} messages of {names} did not become readings; see the logs of detect")


def figures(seen: Seen) -> list[tuple[str, str]]:
    """Returns the figures; only the reasons if the measurement is void."""
    if seen.problems:
        return [("VOID, no figure counts", problem) for problem in seen.problems]
    return [*_latencies(seen), *(line for burst in seen.bursts for line in _of_burst(seen, burst)), *_memory(seen.sizes),
            *_circumstances(seen.loads)]


def _latencies(seen: Seen) -> list[tuple[str, str]]:
    alerts, candidates = seen.listener.alerts, seen.listener.candidates
    demo, steady = (Selection(plan.prefix, of_readings=True) for plan in (DEMO, STEADY))
    closed, busy = (Selection(plan.prefix, of_readings=False, until=_last_window(seen.loads, plan)) for plan in (DEMO, STEADY))
    return [(f"reading → alert at the demo's {DEMO.rate:g} messages/s", _judged(demo.of(alerts), AT_DEMO_RATE)),
            (f"end of a window → its alert at {DEMO.rate:g} messages/s", _judged(closed.of(alerts), OF_WINDOWS)),
            (f"reading → alert at {STEADY.rate:,.0f} messages/s", _judged(steady.of(alerts), UNDER_LOAD)),
            ("… → candidate", quantiles(steady.of(candidates))),
            (f"end of a window → its alert at {STEADY.rate:,.0f} messages/s", _judged(busy.of(alerts), OF_WINDOWS))]


def _last_window(loads: Sequence[Load], plan: Plan) -> float:
    """Returns until when, in epoch seconds, windows end that a load closes itself; others wait for the messages of the next."""
    return max((load.start + load.seconds - OF_WINDOWS for load in loads if load.plan == plan), default=0.0)


def _of_burst(seen: Seen, burst: Burst) -> list[tuple[str, str]]:
    title = f"{burst.before.plan.rate:,.0f} → {burst.before.plan.rate + burst.on_top.plan.rate:,.0f} messages/s"
    rows = []
    for name, (since, until) in burst.spans.items():
        for kind, arrivals in (("candidate", seen.listener.candidates), ("alert", seen.listener.alerts)):
            found = [each for load in (burst.before, burst.on_top)
                     for each in Selection(load.plan.prefix, True, since, until).of(arrivals)]
            rows.append((f"{title}: reading → {kind} {name} the burst", quantiles(found)))
    return [*rows, (f"{title}: readings that waited", _waited(seen.waiting, burst))]


def _waited(waiting: Sequence[tuple[float, int]], burst: Burst) -> str:
    spans = burst.spans
    most = {name: max((count for at, count in waiting if max(since, burst.before.start) <= at < until), default=0)
            for name, (since, until) in spans.items()}
    end = spans["after"][0]
    done = next((at - end for at, count in waiting if at >= end and count <= most["before"]), None)
    fell = f"as few as before {done:.1f} s after its end" if done is not None else "never as few as before again"
    return f"at most {most['before']:,} before, {most['in']:,} in, {fell}"


def _memory(sizes: Sequence[tuple[float, Mapping[str, float]]]) -> list[tuple[str, str]]:
    highest = max((parts for _, parts in sizes), key=lambda parts: sum(parts.values()))
    total = sum(highest.values())
    shares = ", ".join(f"{title} {mb:,.0f}" for title, mb in sorted(highest.items(), key=lambda part: -part[1]))
    return [("memory of the stack at its peak, proportional set size",
             f"{total:,.0f} MB; at most {MEMORY_MB:,.0f}: {_verdict(total <= MEMORY_MB)}"), ("… by part, MB", shares)]


def _circumstances(loads: Sequence[Load]) -> list[tuple[str, str]]:
    return [("senders", "; ".join(f"{load.plan.prefix} {load.messages / load.seconds:,.0f}/s, at most "
                                  f"{1000 * load.behind:,.0f} ms late" for load in loads))]


def _judged(milliseconds: Sequence[int], seconds: float) -> str:
    shown = quantiles(milliseconds)
    if len(milliseconds) < 2:
        return shown
    return f"{shown}; p99 at most {seconds:g} s: {_verdict(_cuts(milliseconds)[98] <= 1000 * seconds)}"


def quantiles(milliseconds: Sequence[int]) -> str:
    """Formats median, p99 and maximum of latencies with their number."""
    if len(milliseconds) < 2:
        return f"not measured, {len(milliseconds)} arrived"
    cuts = _cuts(milliseconds)
    return (f"p50 {cuts[49] / 1000:.2f} s, p99 {cuts[98] / 1000:.2f} s, max {max(milliseconds) / 1000:.2f} s "
            f"({len(milliseconds):,})")


def _cuts(milliseconds: Sequence[int]) -> list[float]:
    return statistics.quantiles(milliseconds, n=100, method="inclusive")


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "NOT reached"


def _say(what: str) -> None:
    print(f"bench {what}", file=sys.stderr, flush=True)
