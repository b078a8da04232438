"""`./fire demo`: runs the whole product on this machine, with a simulated fleet in which an electrical fire breaks out."""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from commands.demo.view import Picture, View
from commands.demo.watch import Stored, Watch, differences, job_states, stored
from commands.simulate.scenarios import Plan
from commands.simulate.sender import Fleet, SendError, Sent
from core import embedded_stack, installation
from core.embedded_stack import Stack
from core.interruption import interruptible, uninterrupted
from core.settings import Settings
from infra.local import stack, status

SECONDS_BETWEEN_MESSAGES = 2.0  # of one device
# A few malformed and repeated messages, so that the final count covers dead letters and duplicates.
MALFORMED, DUPLICATES = 0.01, 0.01
ONSET_SECONDS = 10.0
REFRESH_SECONDS = 0.5
DRAIN_SECONDS = 120.0
INTERRUPTED = 130


@dataclass
class Demo:
    """The sending fleet and the watch over its results, both started as soon as Kafka is ready."""

    plan: Plan
    view: View
    stack: Stack | None = None
    fleet: Fleet | None = None
    watch: Watch | None = None

    def begin(self, running: Stack) -> None:
        """Opens the watch and starts the fleet, on the first call only."""
        self.stack = running
        if self.fleet is not None:
            return
        settings = running.settings()
        self.watch = Watch(settings, f"{self.plan.prefix}-")
        self.fleet = Fleet(self.plan, settings.kafka_brokers, settings.topic("telemetry"))
        self.fleet.start()
        self.view.step(f"{self.plan.devices} devices at {self.plan.sites} sites send {self.plan.rate:g} messages/s; "
                       f"a fire breaks out in {self.plan.onset:g} s")

    def end(self) -> None:
        """Stops the view, the fleet and the watch, as far as they were started."""
        self.view.close()
        if self.fleet:
            with contextlib.suppress(SendError):
                self.fleet.stop()
        if self.watch:
            self.watch.close()


@dataclass(frozen=True)
class Run:
    """A running demo, whose stack, fleet and watch have all been started."""

    stack: Stack
    fleet: Fleet
    watch: Watch
    view: View

    def picture(self) -> Picture:
        """Returns the current state of the demo."""
        return Picture(sent=self.fleet.sent.messages, processed=self.watch.readings,
                       dead_letters=len(self.watch.dead_letters), devices=self.watch.devices_by_level(),
                       open_alerts=len(self.watch.open_alerts),
                       jobs=job_states(self.stack.jobmanager, self.stack.store_jobmanager),
                       arrivals=tuple(self.watch.arrivals.values()))

    def show_while_sending(self) -> None:
        """Shows the state until the fleet has sent everything."""
        while self.fleet.running:
            self._show()
            self.fleet.wait(REFRESH_SECONDS)

    def settle(self, sent: Sent) -> tuple[Stored, list[str]]:
        """Waits until every message is accounted for or the deadline has passed; returns the stored rows and the differences."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            self._show()
            rows = stored(self.stack.database(), self.watch.prefix)
            missing = differences(sent, rows, self.watch)
            if not missing or time.monotonic() > deadline:
                return rows, missing
            time.sleep(REFRESH_SECONDS)

    def _show(self) -> None:
        if self.watch.problem:
            raise SendError(f"the result topics can no longer be read ({self.watch.problem}); see the broker's log")
        self.view.show(self.picture())


def run(args: argparse.Namespace) -> int:
    """Runs the demo until its time is over or it is interrupted; returns 0 if every message is accounted for."""
    view = View(Console(), time.monotonic())
    try:
        with interruptible():
            return _run(args, view)
    except KeyboardInterrupt:
        view.step("interrupted; nothing that the demo started is left running")
        return INTERRUPTED if args.duration else 0


def _plan(args: argparse.Namespace, prefix: str) -> Plan:
    return Plan(scenario="spreading-fire", devices=args.devices, sites=args.sites, duration=args.duration,
                rate=args.devices / SECONDS_BETWEEN_MESSAGES, onset=ONSET_SECONDS, malformed=MALFORMED,
                duplicates=DUPLICATES, prefix=prefix)


def _run(args: argparse.Namespace, view: View) -> int:
    home = installation.home_folder(Settings.load())
    present = stack.running(home)
    # On a stack with other devices and earlier demos, the prefix keeps this fleet's ids distinct.
    demo = Demo(_plan(args, f"demo{time.strftime('%H%M%S')}" if present else "dev"), view)
    with _stack(home, present, demo) as running:
        demo.begin(running)
        _submit(running, view)
        assert demo.fleet  # begin() made both
        assert demo.watch
        started = Run(running, demo.fleet, demo.watch, view)
        started.show_while_sending()
        return _account(started)


@contextlib.contextmanager
def _stack(home: Path, present: Stack | None, demo: Demo) -> Iterator[Stack]:
    """Provides the stack that already runs and leaves it running, or starts a new one and stops it at the end."""
    own = None if present else stack.fresh_home(home, "demo")
    try:
        if own:
            yield stack.start(own, report=lambda what: _report(what, own, demo))
        elif present:
            demo.view.step("using the stack that ./fire up started; it stays when the demo ends")
            yield present
    finally:
        with uninterrupted():
            demo.end()
            if own:
                demo.view.step("stopping")
                stack.stop(own)


def _report(what: str, own: Path, demo: Demo) -> None:
    """Shows a step of the stack's start and starts the demo as soon as Kafka is ready, before the other parts are."""
    demo.view.step(what)
    starting = embedded_stack.last_known(own)
    if starting and what.startswith("Kafka is ready"):
        demo.begin(starting)


def _submit(running: Stack, view: View) -> None:
    from commands.cluster.submit import submit
    from contract.jobs import JOBS

    view.addresses = stack.addresses(running)
    for name, address in view.addresses.items():
        view.step(f"{name}: {address}")
    missing = tuple(job for job in JOBS if not status.is_running(running, job))
    if missing:
        submit(running, jobs=missing, report=view.step)
        view.step("jobs submitted")


def _account(run: Run) -> int:
    sent = run.fleet.stop()
    rows, missing = run.settle(sent)
    run.view.close()
    run.view.table("Every message accounted for" if not missing else "What differs", _summary(run, sent, rows))
    for sentence in missing:
        print(f"fire demo: {sentence}", file=sys.stderr)
    return 1 if missing else 0


def _summary(run: Run, sent: Sent, rows: Stored) -> Iterator[tuple[str, str]]:
    arrivals = list(run.watch.arrivals.values())
    others = sent.messages - rows.readings - len(run.watch.dead_letters)
    alert_ids = {each.alert["alert_id"] for each in arrivals}
    yield "sent", str(sent)
    yield "stored", f"{rows.readings:,}"
    yield "dead letters", f"{len(run.watch.dead_letters):,}"
    yield "neither stored nor dead", f"{others:,} ({sent.duplicates:,} are duplicates)"
    yield "alerts in the topic", f"{len(alert_ids):,} ({len(arrivals):,} transitions)"
    yield "alerts in Postgres", f"{rows.alerts:,} ({rows.transitions:,} transitions)"
    if arrivals:
        first = min(each.received_ms for each in arrivals)
        launched = time.time() - run.view.elapsed
        yield "first alert", f"{first / 1000 - launched:.1f} s after the launch"
        yield "alert latency", _latency([each.latency_ms for each in arrivals if each.event_ms > first
                                         and each.alert["transition"] != "CLEARED"])


def _latency(milliseconds: list[int]) -> str:
    """Formats p50 and p99 from message to alert; leaves out the first alert, which waited for the jobs to start."""
    if len(milliseconds) < 2:
        return "not measured: fewer than two alerts after the first"
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return f"p50 {cuts[49] / 1000:.2f} s, p99 {cuts[98] / 1000:.2f} s ({len(milliseconds)} transitions after the first)"
