"""The limits that a device is judged by, for the lines in its charts."""

from __future__ import annotations

import numpy as np

from udfs.readings import scoring
from udfs.registry import source


def thresholds(registry: str, device_id: str) -> dict[str, list[float]]:
    """Each series' limits in its unit, ascending: the device's own by its profile, and those that hold for all."""
    own = _own(registry, device_id)
    return {
        "temperature": [scoring.WARM_C, scoring.HOT_C, scoring.BURNING_C], "risk": list(scoring.LEVEL_CUTS),
        "arcs": [float(scoring.MANY_ARCS)], "voltage": [own["voltage_low"], own["voltage_high"]],
        "current": [own["current_high"]],
        "co": sorted({own["co_warn"], scoring.CO_ALARM_PPM}), "voc": sorted({own["voc_warn"], scoring.VOC_WITH_CO}),
    }  # fmt: skip


def _own(location: str, device_id: str) -> dict[str, float]:
    known = source.shared(source.resolved(location)).current()
    limits = known.find(np.array([device_id], dtype=object), np.array([None], dtype=object), np.zeros(1, dtype=np.int64)).limits
    return {name: float(np.ravel(value)[0]) for name, value in limits.items()}
