"""`minute_context` and `device_patterns_of`, the Python functions that Flink SQL calls on a device's hour."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import udf

from udfs.minutes.context import context
from udfs.minutes.patterns import patterns

NUMBER, TEXT, FLAG, WHOLE = DataTypes.DOUBLE(), DataTypes.STRING(), DataTypes.BOOLEAN(), DataTypes.BIGINT()
NUMBERS, WHOLES = DataTypes.ARRAY(DataTypes.DOUBLE()), DataTypes.ARRAY(DataTypes.BIGINT())
CONTEXT_FIELDS = {"temperature_slope": NUMBER, "risk_modifier": NUMBER, "risk_score": NUMBER, "risk_level": TEXT}
PATTERN_FIELDS = {
    "temperature_slope": NUMBER, "temperature_change": NUMBER, "risk_slope": NUMBER, "arc_pattern": TEXT, "arc_frequency": NUMBER,
    "periodicity_minutes": NUMBER, "dominant_period_minutes": NUMBER, "risk_volatility": NUMBER, "is_rapid_risk_change": FLAG,
    "rapid_risk_change": NUMBER, "rapid_risk_change_at": TEXT, "is_sustained_high_risk": FLAG, "high_risk_minutes": WHOLE,
    "sensor_anomalies": TEXT, "anomalies": TEXT, "anomaly_count": WHOLE, "trend": TEXT, "confidence": NUMBER,
    "recommendations": TEXT,
}  # fmt: skip
PATTERN_COLUMNS = ("temperature", "risk", "arcs", "voltage", "current", "co_gas", "voc", "power_factor", "leakage_current",
                   "resistive_leakage", "calculated_watts", "measured_watts")
LISTS = ("sensor_anomalies", "recommendations")


def context_batch(minutes: pd.Series, temperatures: pd.Series, arcs: pd.Series, mean_indicator: pd.Series, base: pd.Series,
                  floor: pd.Series) -> pd.DataFrame:
    """Computes `context` for a batch of minutes; one row per minute with the columns of `CONTEXT_FIELDS`."""
    numbers = (column.to_numpy(dtype=np.float64, na_value=np.nan) for column in (arcs, mean_indicator, base, floor))
    return pd.DataFrame(context(minutes.tolist(), temperatures.tolist(), *numbers))


def patterns_batch(minutes: pd.Series, *columns: pd.Series) -> pd.DataFrame:
    """Computes `patterns` for a batch of windows; one row per window with the columns of `PATTERN_FIELDS`.

    `columns` are those of `PATTERN_COLUMNS`; lists of names are joined by commas.
    """
    rows = [patterns(window, dict(zip(PATTERN_COLUMNS, values, strict=True)))
            for window, *values in zip(minutes, *columns, strict=True)]
    batch = pd.DataFrame(rows, columns=list(PATTERN_FIELDS))
    for name in LISTS:
        batch[name] = [",".join(row[name]) for row in rows]
    return batch.astype({name: np.float64 for name, type_ in PATTERN_FIELDS.items() if type_ is NUMBER})


minute_context = udf(
    context_batch, input_types=[WHOLES, NUMBERS, NUMBER, NUMBER, NUMBER, NUMBER],
    result_type=DataTypes.ROW([DataTypes.FIELD(name, type_) for name, type_ in CONTEXT_FIELDS.items()]),
    func_type="pandas", deterministic=False)

device_patterns_of = udf(
    patterns_batch, input_types=[WHOLES, *[NUMBERS] * len(PATTERN_COLUMNS)],
    result_type=DataTypes.ROW([DataTypes.FIELD(name, type_) for name, type_ in PATTERN_FIELDS.items()]),
    func_type="pandas", deterministic=False)
