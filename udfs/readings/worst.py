"""Writes what a window keeps of its worst reading: one JSON text per reading, which sorts as the readings do.

A window of Flink keeps the greatest of these texts with one MAX, whatever the order of arrival. They are made here, where the
columns are at hand anyway, and only for readings at which something stood out, so that a plain message costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract import crossing
from contract.declared import CONTRACT
from udfs.readings.payloads import ENCODE, values
from udfs.readings.thresholds import DECIMALS

Column = NDArray[Any]

FIELDS = {name: (source, CONTRACT.result("candidates").column(name).type)
          for name, source in crossing.worst_columns(CONTRACT).items()}
"""Field of the text → its column of a reading, and its type."""
ROW = msgspec.defstruct("WorstReading", [("order", str), *((name, Any, None) for name in FIELDS)], gc=False,
                        omit_defaults=True)
ORDER = "%07d%07d%015d%017d"
"""Risk in millionths, temperature in thousandths above `COLDEST_C`, epoch milliseconds, idx: digits enough for every value."""
COLDEST_C = -100
"""Below the coldest possible temperature, °C, so that no text has a sign; a temperature that was not measured sorts first."""
LARGEST_IDX = 2**53


def worst_readings(columns: Mapping[str, Column], accepted: Column) -> Column:
    """Returns a text for each accepted reading with a risk, a broken sensor or a communication error, None for the others.

    Of two texts the greater one has the higher risk_score, then the higher temperature, the later time, the higher idx.
    """
    texts: Column = np.full(len(accepted), None, dtype=object)
    rows = np.flatnonzero(accepted & ((columns["risk_score"] > 0) | ~columns["is_valid"] | columns["communication_error"]))
    some = {source: columns[source][rows] for source in ("risk_score", "event_ms", "idx", *dict(FIELDS.values()))}
    fields = (values(some[source], type_) for source, type_ in FIELDS.values())
    texts[rows] = [ENCODE(row).decode() for row in map(ROW, _orders(some), *map(_without_nan, fields))]
    return texts


def _orders(columns: Mapping[str, Column]) -> list[str]:
    risk = np.rint(columns["risk_score"] * 10**DECIMALS).astype(np.int64)
    temperature = np.nan_to_num((columns["max_temperature"] - COLDEST_C) * 1000).astype(np.int64)
    idx = columns["idx"].astype(np.int64) + LARGEST_IDX
    return [ORDER % row for row in zip(*(each.tolist() for each in (risk, temperature, columns["event_ms"], idx)), strict=True)]


def _without_nan(column: list[Any]) -> list[Any]:
    return [None if value != value else value for value in column]
