"""The device registry: the site, zone and profile of each device, and the maintenance windows.

Devices are looked up for whole columns at once. `udfs.registry.format` reads a registry from text, and `udfs.registry.source`
keeps the version in force up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.readings import event_time, thresholds
from udfs.registry import profiles
from udfs.registry.profiles import Profile

Column = NDArray[Any]
Spans = tuple[tuple[int, int], ...]
"""Spans of time [from, to) in epoch ms, in order and without overlap."""

UNNAMED = "default"
"""The `profile_version` of results that were computed without a registry."""


class Entry(NamedTuple):
    """The entry of a device in the registry; its fields are those of the file. Alerts of a `test` device are for nobody."""

    site: str | None = None
    zone: str | None = None
    profile: Profile = profiles.DEFAULT
    test: bool = False


class Site(NamedTuple):
    """A site of the registry: its name for people, and the IANA name of its time zone."""

    name: str | None = None
    time_zone: str | None = None


class Windows(NamedTuple):
    """Maintenance windows by device and by site."""

    devices: Mapping[str, Spans]
    sites: Mapping[str, Spans]


class Lookup(NamedTuple):
    """What the registry says about a batch of messages: columns of their readings, and their limits for the scoring core."""

    columns: dict[str, Column]
    limits: thresholds.Limits


class Registry:
    """One version of the registry; immutable."""

    def __init__(self, version: str, devices: Mapping[str, Entry] | None = None, windows: Windows | None = None,
                 sites: Mapping[str, Site] | None = None) -> None:
        """`devices` are the listed ones; every other device has the default profile and the site of its messages.

        `test_sites` are the sites whose listed devices are all for tests.
        """
        self.version = version
        self.devices: Mapping[str, Entry] = dict(devices or {})
        self.sites = dict(sites or {})
        self._windows = windows or Windows({}, {})
        self._begin, self._end = _whole_span([*self._windows.devices.values(), *self._windows.sites.values()])
        entries = [Entry(), *(devices or {}).values()]
        self._rows = {device: row for row, device in enumerate(devices or {}, 1)}
        self._tests = frozenset(device for device, entry in (devices or {}).items() if entry.test)
        self.test_sites = frozenset(each.site for each in entries if each.test) - {each.site for each in entries if not each.test}
        self._texts = {
            "site_id": _texts(entry.site for entry in entries), "zone": _texts(entry.zone for entry in entries),
            "profile": _texts(entry.profile.name for entry in entries),
            "limits": _texts(profiles.write(entry.profile.limits) for entry in entries),
        }  # fmt: skip
        self._rated = np.array([_rated(entry.profile) for entry in entries])
        self._limits = {name: np.array([entry.profile.limits[name] for entry in entries]) for name in thresholds.LIMITS}

    def device(self, device_id: str) -> Entry:
        """Returns the site, the zone and the mark `test` of a device; of one that is not listed nothing is known."""
        row = self._rows.get(device_id, 0)
        return Entry(self._texts["site_id"][row], self._texts["zone"][row], test=device_id in self._tests)

    def find(self, device_id: Column, site_id: Column, event_ms: Column) -> Lookup:
        """Looks up the devices of a batch of messages.

        Args:
            device_id: texts, None where the message was refused for its id.
            site_id: the sites of the messages, None where absent; the site of a listed device takes precedence.
            event_ms: epoch milliseconds, int64.

        Returns:
            Columns `site_id`, `zone`, `profile`, `profile_version`, `limits` (JSON text, None for the default profile's),
            `rated_current` (A, NaN for the default profile),
            `is_held` (whether a maintenance window covers the event time) and `held_until` (its end as ISO text, or None).
        """
        length = len(device_id)
        rows = np.array([self._rows.get(device, 0) for device in device_id]) if self._rows else np.zeros(0, dtype=np.int64)
        columns = self._listed(rows, site_id) if rows.any() else self._unlisted(site_id)
        limits = {name: table[rows] for name, table in self._limits.items()} if rows.any() else thresholds.LIMITS
        columns["profile_version"] = _constant(self.version, length)
        return Lookup(columns | self._held(device_id, columns["site_id"], event_ms), limits)

    def _listed(self, rows: Column, site_id: Column) -> dict[str, Column]:
        columns = {name: table[rows] for name, table in self._texts.items()} | {"rated_current": self._rated[rows]}
        has_no_site = columns["site_id"] == None  # noqa: E711 -- compares each element
        return columns | {"site_id": np.where(has_no_site, site_id, columns["site_id"])}

    def _unlisted(self, site_id: Column) -> dict[str, Column]:
        """Returns the columns of `_listed` for a batch without a listed device, with less work."""
        nothing = _constant(None, len(site_id))
        return {"site_id": site_id, "zone": nothing, "profile": _constant(profiles.DEFAULT.name, len(site_id)), "limits": nothing,
                "rated_current": np.full(len(site_id), np.nan)}

    def _held(self, device_id: Column, site_id: Column, event_ms: Column) -> dict[str, Column]:
        """Returns whether a maintenance window covers each event time, and the end of that maintenance window."""
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
    """Sorts spans and merges those that touch or overlap."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            start, end = merged[-1][0], max(merged.pop()[1], end)
        merged.append((start, end))
    return tuple(merged)


def _whole_span(all_spans: list[Spans]) -> tuple[int, int]:
    if not all_spans:
        return 0, 0
    return min(spans[0][0] for spans in all_spans), max(spans[-1][1] for spans in all_spans)


def _rated(profile: Profile) -> float:
    return np.nan if profile.name == profiles.DEFAULT.name else profile.rated_current


def _constant(value: str | None, length: int) -> Column:
    return np.full(length, value, dtype=object)


def _texts(values: Iterable[str | None]) -> Column:
    listed = list(values)
    column: Column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column


NONE = Registry(UNNAMED)
"""The registry of an installation without one: every device has the default profile and the site of its messages."""
