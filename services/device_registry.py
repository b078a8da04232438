"""Keeps the table `device_registry` equal to the registry's file, for questions in SQL; the jobs read the file."""

from __future__ import annotations

from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from core.database import conninfo
from core.settings import Settings
from udfs.registry.format import RegistryError
from udfs.registry.registry import Registry
from udfs.registry.source import Source, resolved

REGISTER: LiteralString = "SELECT devices_registered, devices_removed FROM fire_register_devices(%s, %s)"


class Registered(NamedTuple):
    """How many devices are new or have changed, and how many have left the registry."""

    devices_registered: int
    devices_removed: int

    def __str__(self) -> str:
        return f"{self.devices_registered} devices registered, {self.devices_removed} removed"


def fill(settings: Settings) -> Registered:
    """Writes the registry into its table; without a registry the table stays as it is.

    Raises:
        RegistryError: the registry cannot be read or is refused; the table keeps the last good version.
        psycopg.Error: the database cannot be reached.
    """
    if not settings.registry:
        return Registered(0, 0)
    registry = read(settings.registry)
    with psycopg.connect(**conninfo(settings), row_factory=namedtuple_row) as connection:
        changed = connection.execute(REGISTER, [registry.version, Jsonb(rows(registry))]).fetchone()
    assert changed is not None, "the function returns exactly one row"
    return Registered(*changed)


def read(location: str) -> Registry:
    """Reads the registry at a location once.

    Raises:
        RegistryError: it cannot be read or is refused.
    """
    source = Source(resolved(location))
    source.look()
    if source.problem:
        raise RegistryError(source.problem)
    return source.current()


def rows(registry: Registry) -> list[dict[str, Any]]:
    """Returns a row for each listed device, with the limits that judge it."""
    return [{"device_id": device, "site_id": entry.site, "zone": entry.zone, "profile": entry.profile.name,
             "limits": dict(entry.profile.limits)} for device, entry in registry.devices.items()]
