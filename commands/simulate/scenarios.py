"""The plan of a simulation, and the scenarios with their faults over time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import FireError

Array = npt.NDArray[np.float64]
Block = dict[str, Array]
Effect = Callable[[Block, int, Array], None]

COMMUNICATION_ERROR = 4096.0
SPOT_SECONDS = 0.25
"""Seconds between the devices that become hot in the scenario `hot-spots`."""


class PlanError(FireError):
    """A plan cannot be simulated; the text says what to change."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parameters of a simulation; the same plan gives the same messages at any time.

    `rate` is in messages per second over all devices, `onset` and `duration` are in seconds from the start, `malformed`
    and `duplicates` are shares of all messages (default: those of the scenario).
    """

    scenario: str = "normal"
    devices: int = 30
    sites: int = 3
    rate: float = 30.0
    seed: int = 1
    count: int | None = None
    duration: float | None = None
    onset: float = 20.0
    malformed: float | None = None
    duplicates: float | None = None
    prefix: str = "dev"

    def __post_init__(self) -> None:
        if self.scenario not in FAULTS:
            raise PlanError(f"scenario is {self.scenario!r}; use one of: {', '.join(FAULTS)}")
        if not 1 <= self.sites <= self.devices:
            raise PlanError(f"{self.sites} sites for {self.devices} devices: every site needs a device; lower --sites")
        if self.scenario == "silent-device" and self.devices == 1:
            raise PlanError("a fleet of one silent device sends nothing; use --devices 2 or more")
        if not 0 < self.rate < math.inf:
            raise PlanError(f"rate is {self.rate}; use messages per second, more than 0")
        if self.seed < 0 or (self.count or 0) < 0:
            raise PlanError(f"seed is {self.seed} and count is {self.count}; use whole numbers, 0 or more")
        if min(self.shares) < 0 or sum(self.shares) > 1:
            raise PlanError(f"malformed and duplicates are shares, not {self.shares}; keep their sum within 0–1")

    @property
    def shares(self) -> tuple[float, float]:
        """The share of malformed messages and the share of exact duplicates."""
        usual = SHARES.get(self.scenario, (0.0, 0.0))
        return (usual[0] if self.malformed is None else self.malformed,
                usual[1] if self.duplicates is None else self.duplicates)

    @property
    def slots(self) -> int | None:
        """The number of scheduled messages within `duration`, including those that a silent device does not send."""
        return None if self.duration is None else math.ceil(self.duration * self.rate)

    def device_id(self, device: int) -> str:
        """Returns the id of a device by its number from 0, as in `dev-0001`."""
        return f"{self.prefix}-{device + 1:04d}"

    def site_id(self, device: int) -> str:
        """Returns the site of a device by its number from 0; devices are assigned to the sites in turn."""
        return f"site-{device % self.sites + 1}"


@dataclass(frozen=True)
class Fault:
    """A fault of one device: `effect(block, device, since)` alters its readings; `since` ≥ 0 is seconds from `start`, (rows,)."""

    device: int
    start: float
    effect: Effect


def _approach(since: Array, per_second: float, limit: float) -> Array:
    """Returns a rise from 0, initially by `per_second`, towards `limit`, like a heated body with losses."""
    rise: Array = limit * (1 - np.exp(-since * per_second / limit))
    return rise


def _heat(block: Block, device: int, since: Array) -> None:
    rise = _approach(since, 1.5, 160.0)
    block["sensorTemp"][:, device] += rise
    block["pcbTemp"][:, device] += 0.6 * rise


def _flash(block: Block, device: int, since: Array) -> None:
    block["sensorTemp"][:, device] += 60.0 * (since > 0)
    block["pcbTemp"][:, device] += 40.0 * (since > 0)


def _arc(block: Block, device: int, since: Array) -> None:
    mean = _approach(since, 0.3, 8.0)
    arcs = np.rint(mean + np.sqrt(mean) * block["noise"][:, device]).clip(0)
    block["aArc"][:, device] = arcs
    block["voltLow"][:, device] -= 0.8 * arcs


def _leak(block: Block, device: int, since: Array) -> None:
    leakage = _approach(since, 1.0, 60.0)
    block["zct"][:, device] += leakage
    block["rzct"][:, device] += 0.7 * leakage


def _smoke(block: Block, device: int, since: Array) -> None:
    block["co"][:, device] += _approach(since, 4.0, 380.0)
    block["voc"][:, device] += _approach(since, 40.0, 2_500.0)


def _lose_communication(block: Block, device: int, since: Array) -> None:
    block["status"][since > 0, device] = COMMUNICATION_ERROR


def _fall_silent(block: Block, device: int, since: Array) -> None:
    block["silent"][since > 0, device] = 1.0


def _one_device(*effects: Effect) -> Callable[[Plan], list[Fault]]:
    return lambda plan: [Fault(0, plan.onset, effect) for effect in effects]


def _spreading_fire(plan: Plan) -> list[Fault]:
    """Returns faults that make the first device overheat, arc and smoke, and after 30 s the others of its site, one per 12 s."""
    origin = [Fault(0, plan.onset, _heat), Fault(0, plan.onset + 10, _arc), Fault(0, plan.onset + 20, _smoke)]
    neighbours = enumerate(range(plan.sites, plan.devices, plan.sites))
    return origin + [Fault(device, plan.onset + 30 + 12 * rank + delay, effect) for rank, device in neighbours
                     for delay, effect in ((0, _smoke), (8, _heat), (15, _arc))]


def _hot_spots(plan: Plan) -> list[Fault]:
    """Returns faults that make one device after another burning hot at once, so that a reading of each raises its own alert."""
    return [Fault(device, plan.onset + SPOT_SECONDS * device, _flash) for device in range(plan.devices)]


FAULTS: dict[str, Callable[[Plan], list[Fault]]] = {
    "normal": _one_device(), "heating": _one_device(_heat), "arcing": _one_device(_arc), "leakage": _one_device(_leak),
    "gas": _one_device(_smoke), "spreading-fire": _spreading_fire, "hot-spots": _hot_spots,
    "communication-error": _one_device(_lose_communication), "silent-device": _one_device(_fall_silent),
    "garbage": _one_device()}
SHARES = {"garbage": (0.02, 0.01)}
