"""Sends a simulated fleet's messages from a process of its own, which then does not compete with whoever measures."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from commands.bench.telemetry import START_MS
from commands.simulate.fleet import messages
from commands.simulate.scenarios import Plan
from commands.simulate.sender import Fleet
from udfs.readings import decode

BATCH, HOUR_MS = 10_000, 3_600_000
MOST_BEHIND_SECONDS = 1.0
"""A sender that was ever further behind its schedule has not sent at its rate."""


@dataclass(frozen=True)
class Load:
    """What a sender has done: messages, start (epoch seconds), duration, and how far it was behind its schedule, in seconds."""

    plan: Plan
    messages: int
    start: float
    seconds: float
    behind: float

    @property
    def problems(self) -> list[str]:
        """Why the load does not count; empty if it does. A number of messages, unlike a duration, is sent as fast as possible."""
        if self.plan.count or self.behind <= MOST_BEHIND_SECONDS:
            return []
        return [f"the sender was {self.behind:.1f} s behind {self.plan.rate:,.0f} messages/s and reached "
                f"{self.messages / self.seconds:,.0f}/s; measure on a machine with less other work"]


def send(plan: Plan, brokers: str, topic: str) -> Load:
    """Sends a plan's messages at its rate and returns when the broker has confirmed all of them."""
    fleet = Fleet(plan, brokers, topic)
    fleet.start()
    began = time.monotonic()
    while fleet.running:
        fleet.wait(1.0)
    sent = fleet.stop()
    return Load(plan, sent.messages, fleet.start_ms / 1000, time.monotonic() - began, fleet.behind)


def alarmed(plan: Plan) -> set[tuple[str, str]]:
    """Returns device and alert type of the readings in a plan that must raise an alert, by the decoder alone."""
    found, batch = set[tuple[str, str]](), list[bytes]()
    for _, message in messages(plan, START_MS):
        batch.append(message)
        if len(batch) == BATCH:
            found |= _alarmed(batch)
            batch.clear()
    return found | _alarmed(batch)


def _alarmed(batch: list[bytes]) -> set[tuple[str, str]]:
    columns = decode.read(batch, arrived_ms=np.full(len(batch), START_MS + HOUR_MS)).columns
    rows = zip(*(columns[name] for name in ("device_id", "alert_type", "risk_level")), strict=True)
    return {(device, alert_type) for device, alert_type, level in rows if level in ("HIGH", "CRITICAL")}
