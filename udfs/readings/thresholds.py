"""Thresholds of what spans minutes, sites and hours; those of a single reading are in `udfs.readings.scoring`."""

from __future__ import annotations

SLICE_SECONDS, RISE_SECONDS = 10, 60
"""A rise of temperature is the highest of the newest slice above the lowest of so many seconds, a whole number of slices."""
RECENT_MINUTES = 10
"""Carbon monoxide and arcs are looked at over so many minutes, besides the hour."""
PATTERN_LEAST_MINUTES = 10
"""Minutes with readings that an hour's patterns need."""
ARC_SHARES = ((0.5, "FREQUENT"), (0.2, "MODERATE"), (0.0, "SPORADIC"))
"""Share of minutes with arcs, passed."""
PERIODIC_FACTOR = 2.0
"""How far above the mean magnitude of the spectrum its peak must lie, passed."""
SUSTAINED_MINUTES = 3
"""Last minutes that must all have high risk."""
NORMAL_RANGES = {"temperature": (20.0, 60.0), "voltage": (200.0, 250.0), "current": (0.0, 120.0), "co_gas": (0.0, 20.0),
                 "voc": (0.0, 500.0), "power_factor": (0.8, 1.0)}
"""Where a healthy sensor's minute lies; bounds are normal."""
SITE_SHARE, SITE_SHARE_PER_DEVICE = 0.5, 0.25
"""A site's risk is its highest times this share, and so much more for each device of risk HIGH, at most 1."""
PAIRED_DEVICES = 20
"""At most so many of a site's devices, the riskiest, are compared: 190 pairs a site and minute."""
