"""What a circuit is built for, and the limits that follow: 230 V, 120 V and 16 A circuits are not judged alike.

Over- and undervoltage scale with the nominal voltage, the current limit is the rated current; single limits can be
overridden within a range. Floors cannot: what one hazard stands for does not depend on the circuit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from udfs.readings import scoring as s

Path = tuple[str | int, ...]
FIELDS = ("nominal_voltage", "rated_current", "limits")
NOMINAL_V = (24.0, 277.0)
"""The sensors measure up to 300 V, which leaves room for the overvoltage limit of a 277 V circuit."""
RATED_A = (0.5, 1000.0)
MOST_OVERCURRENT = 1.45
"""A circuit breaker trips within the hour at this multiple of its rating: IEC 60898-1, conventional tripping current."""
WIDEST_VOLTAGE = (0.5, 1.2)
"""Share of the nominal voltage that a voltage limit may lie at."""


class Refused(ValueError):
    """A registry cannot be used; the sentence starts with the place, which `path` leads to."""

    def __init__(self, path: Path, rule: str) -> None:
        super().__init__(f"{'.'.join(map(str, path)) or 'the registry'} {rule}")
        self.path = path


class Profile(NamedTuple):
    """A kind of circuit: its name and its limits, those of `scoring.LIMITS`."""

    name: str
    limits: Mapping[str, float]


DEFAULT = Profile("default", MappingProxyType(dict(s.LIMITS)))


def write(limits: Mapping[str, float]) -> str | None:
    """Limits as JSON text that travels with a reading; None stands for the default figures."""
    return None if limits == DEFAULT.limits else json.dumps(dict(limits))


def read(text: str | None) -> Mapping[str, float]:
    """The limits that `write` wrote.

    Raises:
        ValueError: it is no JSON object with one number for each limit.
    """
    if text is None:
        return DEFAULT.limits
    limits = json.loads(text)
    if not isinstance(limits, dict) or limits.keys() != DEFAULT.limits.keys() or not all(map(_is_number, limits.values())):
        raise ValueError(f"limits must hold one number for each of {', '.join(DEFAULT.limits)}, not {text[:60]}")
    return {name: float(value) for name, value in limits.items()}


def profile(name: str, given: Any, path: Path) -> Profile:
    """The profile that a registry gives at `path`.

    Raises:
        Refused: a field is unknown, no number, or out of its range.
    """
    if name == DEFAULT.name:
        raise Refused(path, "is what stands for devices without a profile and cannot be changed; use another name")
    only(given, FIELDS, path)
    nominal = number(given.get("nominal_voltage", s.NOMINAL_V), NOMINAL_V, "V", (*path, "nominal_voltage"))
    rated = number(given.get("rated_current", s.CURRENT_HIGH_A), RATED_A, "A", (*path, "rated_current"))
    overrides, ranges, inside = given.get("limits", {}), allowed(nominal, rated), (*path, "limits")
    only(overrides, ranges, inside, "floors are the same for every profile")
    return Profile(name, MappingProxyType(
        _scaled(nominal, rated) | {limit: number(value, *ranges[limit], (*inside, limit)) for limit, value in overrides.items()}))


def _scaled(nominal: float, rated: float) -> dict[str, float]:
    scaled = {limit: round(nominal * s.LIMITS[limit] / s.NOMINAL_V, s.DECIMALS) for limit in ("voltage_high", "voltage_low")}
    return {**s.LIMITS, **scaled, "current_high": rated}


def allowed(nominal: float, rated: float) -> dict[str, tuple[tuple[float, float], str]]:
    """The range of each limit with its unit: a warning may come earlier, or later up to the next figure that is a hazard."""
    lowest, highest = (round(nominal * share, s.DECIMALS) for share in WIDEST_VOLTAGE)
    return {
        "voltage_high": ((nominal, highest), "V"), "voltage_low": ((lowest, nominal), "V"),
        "current_high": ((0.0, round(rated * MOST_OVERCURRENT, s.DECIMALS)), "A"),
        "leakage_warn": ((0.0, s.LEAKAGE_PERSON_MA), "mA"), "co_warn": ((0.0, s.CO_60MIN_PPM), "ppm"),
        "voc_warn": ((0.0, s.VOC_WITH_CO), "µg/m³"), "power_factor_low": ((0.0, 1.0), ""),
    }  # fmt: skip


def only(given: Any, fields: Collection[str], path: Path, why: str = "") -> None:
    """Refuses what is no object, and what it holds beside `fields`."""
    if not isinstance(given, dict):
        raise Refused(path, f"must be an object, not {shown(given)}")
    for name in given:
        if name not in fields:
            raise Refused((*path, name), f"is not known; use {', '.join(fields)}" + (why and f" ({why})"))


def number(value: Any, bounds: tuple[float, float], unit: str, path: Path) -> float:
    """A number within bounds, which are allowed."""
    low, high = bounds
    if not _is_number(value) or not low <= value <= high:
        raise Refused(path, f"must be a number from {low:g} to {high:g} {unit}".rstrip() + f", not {shown(value)}")
    return float(value)


def shown(value: Any) -> str:
    """A value as an error may show it."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
