"""Judges what a message says it measured: impossible values, no value, and fields that look like ones that are read.

The figures are declared with the quantities, in `contract/measurements.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.declared import CONTRACT
from udfs.readings import thresholds

NO_VALUE = frozenset({"", "nan", "none", "unavailable", "unknown"})
"""Texts, in small letters, with which gateways say that a sensor has no value."""
LONGEST = 40
"""Characters of such a text, spaces included, and of the name of a field that causes a warning."""
MOST_WARNINGS = 10
"""Fields of a message that cause a warning by their name."""
POSSIBLE = {each.name: (each.possible, each.errors) for each in CONTRACT.measured if each.possible}
"""Field of a reading → the bounds of what can be measured at all, and the values by which sensors report an error."""
TEMPERATURES = ("pcb_temperature", "sensor_temperature")
BOUNDS = {each.name: [bounds for bounds in (each.range, each.possible) if bounds] for each in CONTRACT.measured}
READ = {each.name: each.spellings for each in CONTRACT.measured} | {
    "device_id": ("deviceId",), "site_id": ("siteId",), "event_time": ("timestamp",), "idx": ("idx",)}  # fmt: skip
FIELDS = frozenset({"topicDeviceId", *(spelling for spellings in READ.values() for spelling in spellings)})
"""The fields of a message that are read."""
NOT_READ = ("co2", "humidity", "pressure", "smoke")
"""Quantities that devices like to send and that no field of a message holds."""
BETWEEN_WORDS = re.compile(r"[ _.-]")


def is_impossible(field: str, column: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns where a column of measurements holds what no such sensor can measure."""
    (lowest, highest), errors = POSSIBLE[field]
    found: NDArray[np.bool_] = (column < lowest) | (column > highest)
    for error in errors:
        found |= column == error
    return found


def may_burn(field: str, value: float) -> bool:
    """Checks whether a value that is out of range is a temperature which a fire explains, and hence no fault of the sensor."""
    return field in TEMPERATURES and value > 0 and not is_impossible(field, np.array([value]))[0]


def broken_bound(field: str, value: float) -> float:
    """Returns the bound of a field's range, or of what is possible, that a value breaks; an error code within them is its own."""
    return next((bound for low, high in BOUNDS.get(field, ()) for bound, is_broken in ((low, value < low), (high, value > high))
                 if is_broken), value)


def has_no_value(value: Any) -> bool:
    """Checks whether a text says that nothing was measured."""
    return isinstance(value, str) and len(value) <= LONGEST and value.strip().lower() in NO_VALUE


def warnings_of(message: Mapping[str, Any]) -> Iterator[str]:
    """Yields a sentence without commas for each field of a message that looks like one that is read but is not."""
    return islice(_of_fields(message), MOST_WARNINGS)


def _of_fields(message: Mapping[str, Any]) -> Iterator[str]:
    for field in sorted(message.keys() - FIELDS):
        named = _resembled(field) if len(field) <= LONGEST else None
        if named is not None and not any(spelling in message for spelling in READ.get(named, ())):
            yield _not_read(field, READ.get(named, ()))


@lru_cache(maxsize=1024)
def _resembled(field: str) -> str | None:
    return RESEMBLED.get(_plainly(field))


def _plainly(field: str) -> str:
    return BETWEEN_WORDS.sub("", field).lower()


def _not_read(field: str, spellings: tuple[str, ...]) -> str:
    return f"{field} is not read" + (f"; send {' or '.join(spellings)}" if spellings else "")


def _resembling() -> Iterator[tuple[str, str]]:
    """Yields other names of fields, without what is between words, and the field of a reading that each resembles."""
    for each in NOT_READ:
        yield _plainly(each), each
    for name, spellings in READ.items():
        yield from ((_plainly(other), name) for other in (name, *spellings))
    for measured in CONTRACT.measured:
        yield from ((_plainly(other), measured.name) for other in measured.resembles)
    yield from (("site", "site_id"), ("time", "event_time"), ("ts", "event_time"))


RESEMBLED = dict(_resembling())


def of_power(kilowatts: float) -> str:
    """Returns the warning about a power that is probably not in kilowatts."""
    return f"power is read as {kilowatts:.15g} kW; above {thresholds.MOST_POWER_KW:g} kW it is probably in W"
