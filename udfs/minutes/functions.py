"""The Python functions that Flink SQL calls on a device's hour: one row per minute, or per window of minutes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import udf

from udfs.minutes import context as hour
from udfs.minutes.patterns import patterns

NUMBER, TEXT, FLAG = DataTypes.DOUBLE(), DataTypes.STRING(), DataTypes.BOOLEAN()
NUMBERS, WHOLES = DataTypes.ARRAY(DataTypes.DOUBLE()), DataTypes.ARRAY(DataTypes.BIGINT())
CONTEXT_FIELDS = {"temperature_slope": NUMBER, "risk_modifier": NUMBER, "risk_score": NUMBER, "risk_level": TEXT}
PATTERN_FIELDS = {
    "temperature_slope": NUMBER, "temperature_change": NUMBER, "risk_slope": NUMBER, "arc_pattern": TEXT,
    "periodicity_minutes": NUMBER, "risk_volatility": NUMBER, "is_rapid_risk_change": FLAG,
    "is_sustained_high_risk": FLAG, "sensor_anomalies": TEXT, "trend": TEXT, "confidence": NUMBER,
}  # fmt: skip
PATTERN_COLUMNS = ("temperature", "risk", "arcs", "voltage", "current", "co_gas", "voc", "power_factor")


def context(minutes: pd.Series, temperatures: pd.Series, arcs: pd.Series, mean_indicator: pd.Series, base: pd.Series,
            floor: pd.Series) -> pd.DataFrame:
    """`hour.context` for a batch of minutes."""
    numbers = (column.to_numpy(dtype=np.float64, na_value=np.nan) for column in (arcs, mean_indicator, base, floor))
    return pd.DataFrame(hour.context(minutes.tolist(), temperatures.tolist(), *numbers))


def window_patterns(minutes: pd.Series, *columns: pd.Series) -> pd.DataFrame:
    """`patterns.patterns` for a batch of windows; the anomalies as comma-separated text."""
    rows = [patterns(window, dict(zip(PATTERN_COLUMNS, values, strict=True)))
            for window, *values in zip(minutes, *columns, strict=True)]
    found = pd.DataFrame(rows, columns=list(PATTERN_FIELDS))
    found["sensor_anomalies"] = [",".join(row["sensor_anomalies"]) for row in rows]
    return found.astype({name: np.float64 for name, kind in PATTERN_FIELDS.items() if kind is NUMBER})


minute_context = udf(
    context, input_types=[WHOLES, NUMBERS, NUMBER, NUMBER, NUMBER, NUMBER],
    result_type=DataTypes.ROW([DataTypes.FIELD(name, kind) for name, kind in CONTEXT_FIELDS.items()]),
    func_type="pandas", deterministic=False)

device_patterns_of = udf(
    window_patterns, input_types=[WHOLES, *[NUMBERS] * len(PATTERN_COLUMNS)],
    result_type=DataTypes.ROW([DataTypes.FIELD(name, kind) for name, kind in PATTERN_FIELDS.items()]),
    func_type="pandas", deterministic=False)
