"""The limits that a device's readings are compared with, drawn as lines in its charts."""

from __future__ import annotations

import numpy as np

from udfs.readings import thresholds as t
from udfs.registry import source


def thresholds(registry: str, device_id: str) -> dict[str, list[float]]:
    """Returns the limits of each series in its unit, ascending: those of the device's profile and those common to all."""
    own = _of_profile(registry, device_id)
    return {
        "temperature": [t.WARM_C, t.HOT_C, t.BURNING_C], "risk": list(t.LEVEL_CUTS),
        "arcs": [float(t.MANY_ARCS)], "voltage": [own["voltage_low"], own["voltage_high"]],
        "current": [own["current_high"]],
        "co": sorted({own["co_warn"], t.CO_ALARM_PPM}), "voc": sorted({own["voc_warn"], t.VOC_WITH_CO}),
    }  # fmt: skip


def _of_profile(location: str, device_id: str) -> dict[str, float]:
    current = source.shared(source.resolved(location)).current()
    limits = current.find(np.array([device_id], dtype=object), np.array([None], dtype=object), np.zeros(1, dtype=np.int64)).limits
    return {name: float(np.ravel(value)[0]) for name, value in limits.items()}
