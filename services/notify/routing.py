"""Decides which channels hear of a transition and when: at once, after quiet hours, in a digest, or if nobody acknowledges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notify.channels import Channel
from services.notify.notification import ENDINGS, idempotency_key
from services.notify.place import Place

TELLING = ("OPENED", "ESCALATED")
"""Transitions that somebody must acknowledge."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A delivery to a channel that is due at `due_at`.

    `escalated_from` is the channel that was told first. One that `follows` is made only if the channel was escalated to before.
    """

    channel: Channel
    key: str
    due_at: datetime
    is_for_digest: bool = False
    escalated_from: str | None = None
    follows: bool = False


def route(alert: Mapping[str, Any], place: Place, channels: Sequence[Channel], now: datetime) -> list[Delivery]:
    """Returns the deliveries of a transition that arrives at `now`."""
    named = {channel.name: channel for channel in channels}
    deliveries = []
    for channel in channels:
        first = _first(alert, channel, now) if channel.wants(alert, place) else None
        if first is not None:
            deliveries += [first, *(_escalations(alert, place, first, named) if _must_be_acknowledged(alert, first) else ())]
    return deliveries + [_following(alert, channel, now) for channel in _escalated_to(alert, place, channels)]


def _first(alert: Mapping[str, Any], channel: Channel, now: datetime) -> Delivery | None:
    """Returns what a channel that wants the transition gets; reminders are left out of digests and quiet hours."""
    goes_to_digest, due_at = channel.digests(alert), channel.awake(alert, now)
    if alert["transition"] == "REMINDED" and (goes_to_digest or due_at > now):
        return None
    return Delivery(channel=channel, key=idempotency_key(alert), is_for_digest=goes_to_digest,
                    due_at=channel.next_digest(now) if goes_to_digest else due_at)


def _must_be_acknowledged(alert: Mapping[str, Any], first: Delivery) -> bool:
    return alert["transition"] in TELLING and not first.is_for_digest


def _escalations(alert: Mapping[str, Any], place: Place, first: Delivery, named: Mapping[str, Channel]) -> Iterator[Delivery]:
    """Yields the deliveries to the following channels, each after the time that the one before it has for an answer."""
    channel, due_at = first.channel, first.due_at
    while channel.escalates_to is not None:
        following = named[channel.escalates_to]
        if place.is_test and not following.test_devices:
            return
        due_at = following.awake(alert, due_at + channel.answers_within)
        yield Delivery(channel=following, key=f"{alert['alert_id']}:UNACKNOWLEDGED:{alert['level']}:{channel.name}",
                       due_at=due_at, escalated_from=channel.name)
        channel = following


def _escalated_to(alert: Mapping[str, Any], place: Place, channels: Sequence[Channel]) -> list[Channel]:
    """Returns the channels that hear of the end of an alert only if it was escalated to them."""
    names = {channel.escalates_to for channel in channels} if alert["transition"] in ENDINGS else set()
    return [channel for channel in channels if channel.name in names and not channel.wants(alert, place)]


def _following(alert: Mapping[str, Any], channel: Channel, now: datetime) -> Delivery:
    return Delivery(channel=channel, key=idempotency_key(alert), due_at=channel.awake(alert, now), follows=True)
