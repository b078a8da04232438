"""Which channels receive which alerts: reads a TOML file and checks all of it before anything is sent."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from contract.declared import CONTRACT
from core.durations import seconds
from core.settings import secret
from services.notify.channel_file import ChannelFileError, Table
from services.notify.chats import PagerDuty
from services.notify.hours import CLOCK, HOURS, QuietHours, next_time
from services.notify.place import NOWHERE, Place
from services.notify.targets import Target, target
from udfs.readings.scoring import LEVELS
from udfs.registry import time_zones

LANGUAGES = ("en", "ko")
NAME = r"[a-z0-9][a-z0-9-]{0,39}"
DIGEST_LEVEL = "MEDIUM"
"""The highest level whose alerts are in a digest."""
LONGEST_ANSWER_MINUTES = 1440
TRANSITIONS = CONTRACT.result("alerts").column("transition").words
ALERT_TYPES = tuple(each.name for each in CONTRACT.alert_types)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One channel: it receives alerts of `min_level` and above, and of all sites, types or transitions where none are named.

    Of alerts that nobody acknowledges, `escalates_to` hears after `answers_within`. MEDIUM alerts wait for the digest at
    `digest_at`, if that is a time. Times of the day are those of `time_zone`.
    """

    name: str
    min_level: str
    language: str
    sites: frozenset[str]
    max_age: timedelta
    target: Target
    alert_types: frozenset[str] = frozenset()
    transitions: frozenset[str] = frozenset()
    test_devices: bool = False
    time_zone: str = "UTC"
    quiet_hours: QuietHours | None = None
    escalates_to: str | None = None
    answers_within: timedelta = timedelta(0)
    digest_at: time | None = None

    def wants(self, alert: Mapping[str, Any], place: Place = NOWHERE) -> bool:
        """Returns whether this transition goes to this channel."""
        filters = {"site_id": self.sites, "alert_type": self.alert_types, "transition": self.transitions}
        is_listed = all(not wanted or alert.get(name) in wanted for name, wanted in filters.items())
        is_risky = LEVELS.index(alert["level"]) >= LEVELS.index(self.min_level)
        return is_listed and is_risky and (self.test_devices or not place.is_test)

    def awake(self, alert: Mapping[str, Any], at: datetime) -> datetime:
        """Returns when people may be told of a transition at `at`: after quiet hours, or at once if it is CRITICAL."""
        return at if self.quiet_hours is None or alert["level"] == "CRITICAL" else self.quiet_hours.end_of(at)

    def digests(self, alert: Mapping[str, Any]) -> bool:
        """Returns whether the channel hears of this transition in its digest only."""
        return self.digest_at is not None and LEVELS.index(alert["level"]) <= LEVELS.index(DIGEST_LEVEL)

    def next_digest(self, at: datetime) -> datetime:
        """Returns the time of the first digest after `at`; `at` itself if there are no digests."""
        return at if self.digest_at is None else next_time(at, self.digest_at, self.time_zone)


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
    channels = [_channel(Table(file, text, number, each), environment) for number, each in enumerate(tables)]
    originals = [Table(file, text, number, each) for number, each in enumerate(tables)]
    return _reachable(_distinct(channels, originals), originals)


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


def _reachable(channels: tuple[Channel, ...], tables: list[Table]) -> tuple[Channel, ...]:
    """Checks that every escalation ends at a channel that does not escalate."""
    following = {channel.name: channel.escalates_to for channel in channels}
    for channel, table in zip(channels, tables, strict=True):
        passed, name = {channel.name}, channel.escalates_to
        while name is not None:
            if name not in following:
                raise table.problem("escalates_to", f"leads to {name!r}, which is not a channel of the file")
            if name in passed:
                raise table.problem("escalates_to", f"leads in a circle, to {name!r} again; let one channel be the last")
            passed.add(name)
            name = following[name]
    return channels


def _channel(table: Table, environment: Callable[[str], str | None]) -> Channel:
    name = table.text("name", pattern=NAME, rule="1 to 40 of a-z, 0-9 and -")
    min_level, time_zone = table.text("min_level", "HIGH", choices=LEVELS), _time_zone(table)
    channel = Channel(
        name=name, min_level=min_level, language=table.text("language", "en", choices=LANGUAGES), max_age=_duration(table),
        sites=frozenset(table.texts("sites", ())), alert_types=_words(table, "alert_types", ALERT_TYPES),
        transitions=_words(table, "transitions", TRANSITIONS), test_devices=table.flag("test_devices"), time_zone=time_zone,
        quiet_hours=_quiet_hours(table, time_zone), digest_at=_digest_at(table, min_level), **_escalation(table),
        target=target(table, environment))
    if channel.digest_at is not None and isinstance(channel.target, PagerDuty):
        raise table.problem("digest_at", 'is of no use with type = "pagerduty", which acts on single alerts; remove it')
    table.finish()
    return channel


def _words(table: Table, name: str, words: Collection[str]) -> frozenset[str]:
    listed = table.texts(name, ())
    for word in listed:
        if word not in words:
            raise table.problem(name, f"names {word!r}; use some of: {', '.join(words)}")
    return frozenset(listed)


def _time_zone(table: Table) -> str:
    name = table.text("time_zone", "UTC")
    if not time_zones.is_known(name):
        raise table.problem("time_zone", f"is {name!r}; use an IANA name such as Asia/Seoul")
    return name


def _quiet_hours(table: Table, time_zone: str) -> QuietHours | None:
    text = table.optional("quiet_hours", pattern=HOURS, rule="two different times such as 22:00-07:00")
    hours = None if text is None else QuietHours.read(text, time_zone)
    if hours is not None and hours.begin == hours.end:
        raise table.problem("quiet_hours", "must be two different times such as 22:00-07:00")
    return hours


def _digest_at(table: Table, min_level: str) -> time | None:
    text = table.optional("digest_at", pattern=CLOCK, rule="a time such as 08:00")
    if text is not None and LEVELS.index(min_level) > LEVELS.index(DIGEST_LEVEL):
        raise table.problem("digest_at", f"is of no use with min_level = {min_level!r}; a digest contains alerts of level "
                                         f"{DIGEST_LEVEL}, so use min_level = {DIGEST_LEVEL!r}")
    return None if text is None else time.fromisoformat(text)


def _escalation(table: Table) -> dict[str, Any]:
    name = table.optional("escalates_to")
    if name is None and not table.present("after_minutes"):
        return {}
    minutes = table.number("after_minutes", highest=LONGEST_ANSWER_MINUTES)
    if name is None:
        raise table.problem(None, "has after_minutes but no escalates_to; name the channel that hears of it then")
    return {"escalates_to": name, "answers_within": timedelta(minutes=minutes)}


def _duration(table: Table) -> timedelta:
    text = table.text("max_age", "24h")
    try:
        return timedelta(seconds=seconds(text))
    except (argparse.ArgumentTypeError, OverflowError):
        raise table.problem("max_age", f"is {text!r}; use a duration such as 30m or 24h") from None
