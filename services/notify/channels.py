"""Which channels receive which alerts: reads a TOML file and checks all of it before anything is sent."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from core.durations import seconds
from core.settings import secret
from services.notify.channel_file import ChannelFileError, Table
from services.notify.email import Mail
from services.notify.notification import Notice
from services.notify.sns import Sns
from services.notify.webhook import Webhook
from udfs.readings.scoring import LEVELS

LANGUAGES = ("en", "ko")
LONGEST_TIMEOUT = 15.0
"""In seconds; a whole SMTP session may take three times as long, which must stay below `outbox.CLAIM`."""
SHORTEST_KEY = 16
ADDRESS = r"[^@\s,<>]+@[^@\s,<>]+"
TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?"


class Target(Protocol):
    """A receiver of notifications."""

    def send(self, notice: Notice, at: datetime) -> str:
        """Delivers the notice; returns a remark on the delivery, or an empty string.

        Raises:
            UndeliveredError: the attempt failed.
        """


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
    target = table.text("type", choices=tuple(TARGETS))
    channel = Channel(
        name=name, min_level=table.text("min_level", "HIGH", choices=LEVELS),
        language=table.text("language", "en", choices=LANGUAGES),
        sites=frozenset(table.texts("sites", ())), max_age=_duration(table), target=TARGETS[target](table, environment))
    table.finish()
    return channel


def _duration(table: Table) -> timedelta:
    text = table.text("max_age", "24h")
    try:
        return timedelta(seconds=seconds(text))
    except (argparse.ArgumentTypeError, OverflowError):
        raise table.problem("max_age", f"is {text!r}; use a duration such as 30m or 24h") from None


def _webhook(table: Table, environment: Callable[[str], str | None]) -> Webhook:
    allow_private = table.flag("allow_private")
    url = _url(table, allow_private)
    return Webhook(url=url, key=table.secret(environment, SHORTEST_KEY).encode(), allow_private=allow_private,
                   ca_file=table.path("ca_file"), timeout=table.number("timeout", 10.0, highest=LONGEST_TIMEOUT))


def _url(table: Table, allow_private: bool) -> str:
    url = table.text("url", pattern=r"[\x21-\x7e]+", rule="an address without spaces, ASCII only")
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or parts.fragment:
        raise table.problem("url", "must be an address like https://host/path")
    if "@" in parts.netloc:
        raise table.problem("url", "contains a user or a password; calls are authenticated by their signature")
    if parts.scheme == "http" and not allow_private:
        raise table.problem("url", "must begin with https://; http:// requires allow_private = true")
    return url


def _mail(table: Table, environment: Callable[[str], str | None]) -> Mail:
    security = table.text("security", "starttls", choices=("starttls", "tls", "none"))
    if table.present("username") and security == "none":
        raise table.problem("username", "requires encryption; use security = \"starttls\" or \"tls\"")
    username = table.optional("username")
    return Mail(
        host=table.text("host"), port=int(table.number("port", 465 if security == "tls" else 587, highest=65535)),
        sender=table.text("from", pattern=ADDRESS, rule="an e-mail address"),
        recipients=table.texts("to", pattern=ADDRESS, rule="e-mail addresses"), security=security, username=username,
        password=table.secret(environment) if username is not None else None, ca_file=table.path("ca_file"),
        timeout=table.number("timeout", 10.0, highest=LONGEST_TIMEOUT))


def _sns(table: Table, _: Callable[[str], str | None]) -> Sns:
    rule = "the ARN of an SNS topic"
    return Sns(topic_arn=table.text("topic_arn", pattern=TOPIC, rule=rule),
               critical_topic_arn=table.optional("critical_topic_arn", pattern=TOPIC, rule=rule),
               endpoint_url=table.optional("endpoint_url", pattern=r"https?://\S+", rule="an address like https://host"),
               timeout=table.number("timeout", 10.0, highest=LONGEST_TIMEOUT))


TARGETS: dict[str, Callable[[Table, Callable[[str], str | None]], Target]] = {"webhook": _webhook, "email": _mail, "sns": _sns}
