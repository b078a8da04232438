"""Profiles: what a circuit is built for, and the limits that follow; 230 V, 120 V and 16 A circuits are judged differently.

The voltage limits scale with the nominal voltage, and the current limit is the rated current; a profile can override each
warning limit within a range. It cannot change a floor, the risk that one hazard stands for; only the floor of overvoltage follows
the nominal voltage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from udfs.readings import thresholds as t

Path = tuple[str | int, ...]
SCALED = ("voltage_high", "voltage_low", "voltage_hazard")
"""Limits that scale with the nominal voltage."""
FIELDS = ("nominal_voltage", "rated_current", "limits")
NOMINAL_V = (24.0, 277.0)
"""The range of a nominal voltage: sensors measure up to 300 V, above the overvoltage limit of a 277 V circuit."""
RATED_A = (0.5, 1000.0)
WIDEST_VOLTAGE = (0.5, t.VOLTAGE_HAZARD_SHARE)
"""Range of a voltage limit as a share of the nominal voltage."""

LATER_LIMITS = ("voltage_hazard",)
"""Limits that rows and states of earlier versions do not have."""


class Refused(ValueError):
    """A field of a registry breaks a rule; the message starts with its `path`."""

    def __init__(self, path: Path, rule: str) -> None:
        super().__init__(f"{'.'.join(map(str, path)) or 'the registry'} {rule}")
        self.path = path


class Profile(NamedTuple):
    """The name of a profile, its limits, one for each of `thresholds.LIMITS`, and its rated current in A."""

    name: str
    limits: Mapping[str, float]
    rated_current: float = t.CURRENT_HIGH_A


DEFAULT = Profile("default", MappingProxyType(dict(t.LIMITS)))


def write(limits: Mapping[str, float]) -> str | None:
    """Formats limits as the JSON text that a reading carries; None for the default profile's."""
    return None if limits == DEFAULT.limits else json.dumps(dict(limits))


def read(text: str | None) -> Mapping[str, float]:
    """Reads the text that `write` returned; a limit that an earlier version did not write is that of the default profile.

    Raises:
        ValueError: the text is not a JSON object with one number for each limit.
    """
    if text is None:
        return DEFAULT.limits
    limits = json.loads(text)
    if isinstance(limits, dict):
        limits = {name: DEFAULT.limits[name] for name in LATER_LIMITS} | limits
    if not isinstance(limits, dict) or limits.keys() != DEFAULT.limits.keys() or not all(map(_is_number, limits.values())):
        raise ValueError(f"limits must hold one number for each of {', '.join(DEFAULT.limits)}, not {text[:60]}")
    return {name: float(value) for name, value in limits.items()}


def profile(name: str, declared: Any, path: Path) -> Profile:
    """Reads the profile that a registry declares at `path`.

    Raises:
        Refused: a field is unknown, not a number, or out of its range.
    """
    if name == DEFAULT.name:
        raise Refused(path, "applies to devices without a profile and cannot be changed; use another name")
    only(declared, FIELDS, path)
    nominal = number(declared.get("nominal_voltage", t.NOMINAL_V), NOMINAL_V, "V", (*path, "nominal_voltage"))
    rated = number(declared.get("rated_current", t.CURRENT_HIGH_A), RATED_A, "A", (*path, "rated_current"))
    overrides, ranges, inside = declared.get("limits", {}), allowed(nominal, rated), (*path, "limits")
    only(overrides, ranges, inside, "floors are the same for every profile")
    return Profile(name, MappingProxyType(
        _scaled(nominal, rated) | {limit: number(value, *ranges[limit], (*inside, limit)) for limit, value in overrides.items()}),
        rated)


def _scaled(nominal: float, rated: float) -> dict[str, float]:
    scaled = {limit: round(nominal * t.LIMITS[limit] / t.NOMINAL_V, t.DECIMALS) for limit in SCALED}
    return {**t.LIMITS, **scaled, "current_high": rated}


def allowed(nominal: float, rated: float) -> dict[str, tuple[tuple[float, float], str]]:
    """Returns the range of each limit with its unit; a warning limit may rise up to the next figure that is a hazard."""
    lowest, highest = (round(nominal * share, t.DECIMALS) for share in WIDEST_VOLTAGE)
    return {
        "voltage_high": ((nominal, highest), "V"), "voltage_low": ((lowest, nominal), "V"),
        "current_high": ((0.0, round(rated * t.TRIP_SHARE, t.DECIMALS)), "A"),
        "leakage_warn": ((0.0, t.LEAKAGE_PERSON_MA), "mA"), "co_warn": ((0.0, t.CO_60MIN_PPM), "ppm"),
        "voc_warn": ((0.0, t.VOC_WITH_CO), "µg/m³"), "power_factor_low": ((0.0, 1.0), ""),
    }  # fmt: skip


def only(value: Any, fields: Collection[str], path: Path, why: str = "") -> None:
    """Checks that a value is an object without other fields than `fields`.

    Raises:
        Refused: it is not; `why` is added to the message about an unknown field.
    """
    if not isinstance(value, dict):
        raise Refused(path, f"must be an object, not {shown(value)}")
    for name in value:
        if name not in fields:
            raise Refused((*path, name), f"is not known; use {', '.join(fields)}" + (why and f" ({why})"))


def number(value: Any, bounds: tuple[float, float], unit: str, path: Path) -> float:
    """Reads a number within bounds, which are included.

    Raises:
        Refused: the value is not such a number.
    """
    low, high = bounds
    if not _is_number(value) or not low <= value <= high:
        raise Refused(path, f"must be a number from {low:g} to {high:g} {unit}".rstrip() + f", not {shown(value)}")
    return float(value)


def shown(value: Any) -> str:
    """Formats a value as ASCII JSON of at most 60 characters for an error message."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
