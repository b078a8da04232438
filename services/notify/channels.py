"""Which channels receive which alerts: reads a TOML file and checks all of it before anything is sent."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.durations import seconds
from core.settings import secret
from services.notify.channel_file import ChannelFileError, Table
from services.notify.targets import Target, target
from udfs.readings.scoring import LEVELS

LANGUAGES = ("en", "ko")


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One channel: it receives alerts of `min_level` and above, and only those of `sites` unless that is empty."""

    name: str
    min_level: str
    language: str
    sites: frozenset[str]
    max_age: timedelta
    target: Target

    def wants(self, alert: Mapping[str, Any]) -> bool:
        """Returns whether this transition goes to this channel."""
        has_site = not self.sites or alert.get("site_id") in self.sites
        return has_site and LEVELS.index(alert["level"]) >= LEVELS.index(self.min_level)


def load(file: Path, environment: Callable[[str], str | None] = secret) -> tuple[Channel, ...]:
    """Returns the channels of a file, with their secrets.

    Raises:
        ChannelFileError: the file, or a secret that it names, cannot be used.
    """
    text = _read(file)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ChannelFileError(f"{file} is not TOML: {problem}") from problem
    tables = document.pop("channel", None)
    if document or not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables) or not tables:
        raise ChannelFileError(f"{file} must contain [[channel]] tables only, at least one"
                               + (f"; it also has {', '.join(sorted(document))}" if document else ""))
    return _distinct([_channel(Table(file, text, number, each), environment) for number, each in enumerate(tables)],
                     [Table(file, text, number, each) for number, each in enumerate(tables)])


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ChannelFileError(f"{file} cannot be read ({type(problem).__name__}); "
                               "infra/notify/channels.example.toml shows what it may contain") from problem


def _distinct(channels: list[Channel], tables: list[Table]) -> tuple[Channel, ...]:
    names = [channel.name for channel in channels]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise tables[number].problem("name", f"is {name!r} again; it identifies deliveries, so it must be unique")
    return tuple(channels)


def _channel(table: Table, environment: Callable[[str], str | None]) -> Channel:
    name = table.text("name", pattern=r"[a-z0-9][a-z0-9-]{0,39}", rule="1 to 40 of a-z, 0-9 and -")
    channel = Channel(
        name=name, min_level=table.text("min_level", "HIGH", choices=LEVELS),
        language=table.text("language", "en", choices=LANGUAGES),
        sites=frozenset(table.texts("sites", ())), max_age=_duration(table), target=target(table, environment))
    table.finish()
    return channel


def _duration(table: Table) -> timedelta:
    text = table.text("max_age", "24h")
    try:
        return timedelta(seconds=seconds(text))
    except (argparse.ArgumentTypeError, OverflowError):
        raise table.problem("max_age", f"is {text!r}; use a duration such as 30m or 24h") from None
