"""The messages of a simulated fleet: a pure function of a plan, without clock or network, and reproducible by its seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from commands.simulate.malformed import KINDS, malformed
from commands.simulate.scenarios import FAULTS, Array, Block, Fault, Plan
from contract.declared import CONTRACT

SIMULATED = {each.spellings[0]: (each.type, each.simulated_digits) for each in CONTRACT.measured
             if each.simulated_digits is not None}
DECIMALS = {field: digits for field, (kind, digits) in SIMULATED.items() if kind == "number"}
COUNTS = tuple(field for field, (kind, _) in SIMULATED.items() if kind == "whole")
FIELDS = ("deviceId", "siteId", "idx", "timestamp", *SIMULATED)
# Field, value above which the simulated device raises its own alarm bit, and number of that bit in `status`.
ALARMS = (("zct", 30.0, 3), ("rzct", 30.0, 4), ("pcbTemp", 60.0, 6), ("sensorTemp", 60.0, 7), ("co", 50.0, 8),
          ("voc", 600.0, 9), ("aArc", 2.5, 11))
ROWS = 64  # rows of a device drawn at once; the messages of a seed depend on it
CHANNELS = 11
READING, DUPLICATE, SILENT = -1, -2, -3


Slot = tuple[float, int, bytes, tuple[object, ...]]  # seconds, lot, key, values in the order of FIELDS


class Message(NamedTuple):
    """One message to send `at` seconds after the start; `kind` is `reading`, `duplicate` or a key of `MAKERS`."""

    key: bytes
    value: bytes
    kind: str
    at: float


def messages(plan: Plan, start_ms: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields device id and message in order of time; the event time of message n is `start_ms` + n / rate."""
    return ((event.key, event.value) for event in events(plan, start_ms))


def events(plan: Plan, start_ms: int) -> Iterator[Message]:
    """Yields the messages of a plan with the kind of each, in order of time, up to its `count` or `duration` if it has one."""
    return itertools.islice(_sent(_scheduled(plan, start_ms)), plan.count)


def _scheduled(plan: Plan, start_ms: int) -> Iterator[Slot]:
    generators = [np.random.default_rng([plan.seed, device]) for device in range(plan.devices)]
    traits = np.stack([generator.random(4) for generator in generators])
    faults = FAULTS[plan.scenario](plan)
    blocks = (_block(plan, generators, traits, faults, first, start_ms) for first in itertools.count(0, ROWS))
    return itertools.islice(itertools.chain.from_iterable(blocks), plan.slots)


def _sent(schedule: Iterator[Slot]) -> Iterator[Message]:
    last: Message | None = None
    for at, lot, key, values in schedule:
        if lot == SILENT:
            continue
        if lot == DUPLICATE and last is not None:
            yield last._replace(kind="duplicate", at=at)
            continue
        document = dict(zip(FIELDS, values, strict=True))
        if lot >= 0:
            yield Message(key, malformed(KINDS[lot], document), KINDS[lot], at)
            continue
        last = Message(key, orjson.dumps(document), "reading", at)
        yield last


def _block(plan: Plan, generators: list[np.random.Generator], traits: Array, faults: list[Fault], first: int,
           start_ms: int) -> Iterator[Slot]:
    slots = np.arange(first * plan.devices, (first + ROWS) * plan.devices).reshape(ROWS, plan.devices)
    elapsed = slots / plan.rate
    noise = np.stack([generator.standard_normal((ROWS, CHANNELS)).clip(-4, 4) for generator in generators], axis=1)
    chance = np.stack([generator.random((ROWS, 2)) for generator in generators], axis=1)
    block = _measured(healthy(traits, noise, elapsed), faults, elapsed)
    lots = _lots(plan, chance, block["silent"])
    columns = _columns(block, slots, start_ms + np.floor(elapsed * 1000).astype(np.int64), plan.devices)
    ids = [plan.device_id(device) for device in range(plan.devices)]
    fixed = (ids, [plan.site_id(device) for device in range(plan.devices)])
    keys = [name.encode() for name in ids]
    # Row by row, because the Python objects of a whole block take so long to make that a sender falls behind its schedule.
    rows = (zip(elapsed[row].tolist(), lots[row].tolist(), keys, zip(*fixed, *(column[row].tolist() for column in columns),
                                                                     strict=True), strict=True) for row in range(ROWS))
    return itertools.chain.from_iterable(rows)


def _columns(block: Block, slots: npt.NDArray[np.int64], times: npt.NDArray[np.int64], devices: int) -> list[npt.NDArray[Any]]:
    """Returns the columns that follow device and site in `FIELDS`, each of shape (rows, devices)."""
    columns: dict[str, npt.NDArray[Any]] = {"idx": slots // devices, "timestamp": times,
                                            **{name: block[name].round(places) for name, places in DECIMALS.items()},
                                            **{name: block[name].astype(np.int64) for name in COUNTS}}
    return [columns[name] for name in FIELDS[2:]]


def healthy(traits: Array, noise: Array, elapsed: Array) -> Block:
    """Returns the readings of a fleet without faults, arrays of shape (rows, devices) by field.

    `traits` (devices, 4) within 0–1 make devices differ, `noise` (rows, devices, channels) is standard normal within ±4,
    `elapsed` is in seconds. Losses heat a terminal by the square of its current; power is V·I·pf in kW.
    """
    phase, size, room, mains = traits.T
    daily = 0.25 * np.sin(2 * np.pi * (elapsed / 86_400 + phase))
    cycling = 0.08 * np.sin(2 * np.pi * (elapsed / 420 + 7 * phase))
    current = (3 + 6 * size) * (1 + daily + cycling + 0.015 * noise[..., 0])
    voltage = 219 + 4 * mains - 0.2 * current + 0.5 * noise[..., 1]
    factor = (0.96 + 0.008 * noise[..., 2]).clip(0.92, 0.995)
    sensor = 22 + 4 * room + 8 * (current / 13) ** 2 + 0.12 * noise[..., 3]
    return {"volt": voltage, "voltLow": voltage - 2 - 0.4 * np.abs(noise[..., 4]), "ct": current, "pFct": factor,
            "zct": 0.7 + 0.08 * noise[..., 5], "rzct": 0.3 + 0.04 * noise[..., 6], "sensorTemp": sensor,
            "pcbTemp": sensor + 1.5 + 0.12 * noise[..., 7], "co": 2 + 0.4 * noise[..., 8],
            "voc": 90 + 12 * noise[..., 9], "aArc": np.zeros_like(current), "status": np.zeros_like(current),
            "silent": np.zeros_like(current), "noise": noise[..., 10]}


def _measured(block: Block, faults: list[Fault], elapsed: Array) -> Block:
    for fault in faults:
        fault.effect(block, fault.device, (elapsed[:, fault.device] - fault.start).clip(0))
    block["pwr"] = block["volt"] * block["ct"] * block["pFct"] / 1000
    for field, limit, bit in ALARMS:
        block["status"] += (block[field] > limit) * float(1 << bit)
    return block


def _lots(plan: Plan, chance: Array, silent: Array) -> npt.NDArray[np.int64]:
    spoilt, repeated = plan.shares
    lots = np.full(silent.shape, READING, dtype=np.int64)
    is_spoilt = chance[..., 0] < spoilt
    lots[is_spoilt] = (chance[..., 1] * len(KINDS)).astype(np.int64)[is_spoilt]
    lots[~is_spoilt & (chance[..., 0] < spoilt + repeated)] = DUPLICATE
    lots[silent > 0] = SILENT
    return lots
