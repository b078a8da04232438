"""Measures the latency from a device's send to the alert consumer, on an embedded stack of its own."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from commands.simulate.scenarios import Plan
from core.settings import Settings

if TYPE_CHECKING:
    from core.embedded_stack import Stack

LATENCY_PLAN = Plan(scenario="spreading-fire", devices=120, sites=2, rate=200.0, duration=90.0, onset=2.0, prefix="bench")
WARM_UP_SECONDS = 45.0
SETTLE_SECONDS = 5.0


def figures() -> list[tuple[str, str]]:
    """Returns p50 and p99 from send to alert consumer."""
    from commands.cluster.submit import submit
    from commands.demo.watch import Watch
    from core import installation
    from infra.local import stack

    with stack.own(installation.home_folder(Settings.load()), "bench", print) as running:
        submit(running, jobs=("detect", "alert"))
        watch = Watch(running.settings(), "")
        _send(running, replace(LATENCY_PLAN, prefix="warm", duration=WARM_UP_SECONDS))
        watch.arrivals.clear()
        _send(running, LATENCY_PLAN)
        latencies = [each.latency_ms for each in watch.arrivals.values() if each.alert["transition"] != "CLEARED"]
        watch.close()
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return [(f"send → alert consumer at {LATENCY_PLAN.rate:g} messages/s, {len(latencies)} transitions",
             f"p50 {cuts[49]:,.0f} ms, p99 {cuts[98]:,.0f} ms")]


def _send(running: Stack, plan: Plan) -> None:
    """Sends a plan's messages and waits until the last one has had time to raise its alert."""
    from commands.simulate.sender import Fleet

    fleet = Fleet(plan, running.kafka_brokers, running.settings().topic("telemetry"))
    fleet.start()
    while fleet.running:
        fleet.wait(1.0)
    fleet.stop()
    time.sleep(SETTLE_SECONDS)
