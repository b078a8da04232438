"""The device registry: where each device stands, what its circuit is built for, and when people work on it.

Look-ups are made for whole columns at once. How a registry is written, and where it is kept, know `registry_format.py` and
`registry_source.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.readings import event_time, scoring
from udfs.registry import profiles
from udfs.registry.profiles import Profile

Column = NDArray[Any]
Spans = tuple[tuple[int, int], ...]
"""Times as [from, to) in epoch ms, in order and apart from each other."""

UNNAMED = "default"
"""The version of results that were made without a registry."""


class Place(NamedTuple):
    """What the registry says about a device."""

    site: str | None = None
    zone: str | None = None
    profile: Profile = profiles.DEFAULT


class Windows(NamedTuple):
    """Maintenance windows by device and by site."""

    devices: Mapping[str, Spans]
    sites: Mapping[str, Spans]


class Found(NamedTuple):
    """What the registry says about rows of messages: columns of their results, and their limits for the scoring core."""

    columns: dict[str, Column]
    limits: scoring.Limits


class Registry:
    """One version of the registry; it never changes."""

    def __init__(self, version: str, devices: Mapping[str, Place] | None = None, windows: Windows | None = None) -> None:
        """`devices` are those that are listed; every other has the default profile, and the site that it says itself."""
        self.version = version
        self._windows = windows or Windows({}, {})
        self._begin, self._end = _whole_span([*self._windows.devices.values(), *self._windows.sites.values()])
        places = [Place(), *(devices or {}).values()]
        self._rows = {device: row for row, device in enumerate(devices or {}, 1)}
        self._texts = {
            "site_id": _texts(place.site for place in places), "zone": _texts(place.zone for place in places),
            "profile": _texts(place.profile.name for place in places),
            "limits": _texts(profiles.write(place.profile.limits) for place in places),
        }  # fmt: skip
        self._limits = {name: np.array([place.profile.limits[name] for place in places]) for name in scoring.LIMITS}

    def find(self, device_id: Column, site_id: Column, event_ms: Column) -> Found:
        """Looks up the devices of messages.

        Args:
            device_id: None where a message was refused for it.
            site_id: as the messages have it, None where absent; a listed device's site wins.
            event_ms: epoch milliseconds, int64.

        Returns:
            Columns `site_id`, `zone`, `profile`, `profile_version`, `limits` (JSON text, None for the default figures),
            `is_held` and `held_until` (ISO text or None): whether a maintenance window covers the event time.
        """
        length = len(device_id)
        rows = np.array([self._rows.get(device, 0) for device in device_id]) if self._rows else np.zeros(0, dtype=np.int64)
        columns = self._listed(rows, site_id) if rows.any() else self._unlisted(site_id)
        limits = {name: table[rows] for name, table in self._limits.items()} if rows.any() else scoring.LIMITS
        columns["profile_version"] = _constant(self.version, length)
        return Found(columns | self._held(device_id, columns["site_id"], event_ms), limits)

    def _listed(self, rows: Column, site_id: Column) -> dict[str, Column]:
        columns = {name: table[rows] for name, table in self._texts.items()}
        unsaid = columns["site_id"] == None  # noqa: E711 -- compares each element
        return columns | {"site_id": np.where(unsaid, site_id, columns["site_id"])}

    def _unlisted(self, site_id: Column) -> dict[str, Column]:
        """The same for a batch without any listed device, for less work."""
        nothing = _constant(None, len(site_id))
        return {"site_id": site_id, "zone": nothing, "profile": _constant(profiles.DEFAULT.name, len(site_id)), "limits": nothing}

    def _held(self, device_id: Column, site_id: Column, event_ms: Column) -> dict[str, Column]:
        """Whether a maintenance window covers each event time, and the end of that window."""
        until: Column = np.full(len(event_ms), event_time.NO_TIME)
        for row in np.flatnonzero((self._begin <= event_ms) & (event_ms < self._end)):
            spans = self._spans(device_id[row], site_id[row])
            until[row] = next((end for start, end in spans if start <= event_ms[row] < end), event_time.NO_TIME)
        held, text = until != event_time.NO_TIME, _constant(None, len(until))
        text[held] = event_time.to_iso(until[held])
        return {"is_held": held, "held_until": text}

    def _spans(self, device: str, site: str) -> Spans:
        own, around = self._windows.devices.get(device, ()), self._windows.sites.get(site, ())
        return joined((*own, *around)) if own and around else own or around


def joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """Spans in order, those that touch or overlap made one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            start, end = found[-1][0], max(found.pop()[1], end)
        found.append((start, end))
    return tuple(found)


def _whole_span(all_spans: list[Spans]) -> tuple[int, int]:
    if not all_spans:
        return 0, 0
    return min(spans[0][0] for spans in all_spans), max(spans[-1][1] for spans in all_spans)


def _constant(value: str | None, length: int) -> Column:
    return np.full(length, value, dtype=object)


def _texts(values: Iterable[str | None]) -> Column:
    listed = list(values)
    column: Column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column


NONE = Registry(UNNAMED)
"""No registry: the default profile for every device, the site from the message."""
