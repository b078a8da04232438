"""Where an alert happens, as the device registry knows it: the names of site and zone, and the site's time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from udfs.registry.registry import Entry, Registry, Site


@dataclass(frozen=True)
class Place:
    """The place of an alert; what is not known is None, and an unknown time zone is UTC. `is_test` marks test devices."""

    site_name: str | None = None
    zone: str | None = None
    time_zone: str | None = None
    is_test: bool = False

    @classmethod
    def read(cls, fields: Mapping[str, Any] | None) -> Place:
        """Returns the place that fields of the outbox describe; one of which nothing is known for None."""
        return cls(**fields) if fields else NOWHERE

    def clock(self, iso: str) -> str:
        """Formats an ISO-8601 time as `2025-10-09 18:00:00 UTC+09:00` in the place's time zone; other texts stay as they are."""
        try:
            local = datetime.fromisoformat(iso).astimezone(zone_of(self.time_zone))
        except (ValueError, OverflowError):
            return iso
        return f"{local:%Y-%m-%d %H:%M:%S} {_offset(local)}"


NOWHERE = Place()
"""A place of which nothing is known."""


def place_of(alert: Mapping[str, Any], registry: Registry) -> Place:
    """Returns the place of an alert; one of a site is a test if all devices that the registry lists there are."""
    subject = alert["subject"]
    is_site = alert.get("subject_kind") == "SITE"
    device = Entry(subject, test=subject in registry.test_sites) if is_site else registry.device(subject)
    site = registry.sites.get(device.site or alert.get("site_id") or "", Site())
    return Place(site.name, device.zone, site.time_zone, device.test)


def zone_of(name: str | None) -> tzinfo:
    """Returns the time zone with an IANA name, which was checked when it was read; UTC for None."""
    return ZoneInfo(name or "UTC")


def _offset(local: datetime) -> str:
    offset = f"{local:%z}"
    return "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:5]}"
