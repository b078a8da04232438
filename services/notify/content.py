"""What a notification says, in the channel's language, in pieces that each format arranges in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contract.declared import CONTRACT
from contract.model import Text
from services.notify.notification import Notice, line
from udfs.texts.alert_messages import quantity, reason
from udfs.texts.names import ALARM_BITS, ALARM_NAMES, COMMUNICATION_ERROR

Fact = tuple[str, str]
"""A label and what it stands for."""
SHOWN = [each for each in CONTRACT.measurements if each.alerted and each.label]
LABELS = {
    "risk": Text("위험도", "Risk score"), "site": Text("현장", "Site"), "zone": Text("구역", "Zone"),
    "device": Text("장치", "Device"), "time": Text("시각", "Time"), "since": Text("시작", "Open since"),
    "last_seen": Text("마지막 수신", "Last heard from"), "test": Text("시험", "Test"),
    "told": Text("먼저 알린 채널", "First sent to"), "alerts": Text("경보", "Alerts"),
    "hazards": Text("위험 요인", "Hazards"), "measurements": Text("측정값", "Measurements"),
    "actions": Text("권장 조치", "What to do"), "alarms": Text("장치 경보", "Alarms of the device"),
    "open": Text("대시보드에서 보기", "Open on the dashboard"), "alert": Text("경보 번호", "Alert"),
    "key": Text("중복 확인 키", "Key"),
}  # fmt: skip
IS_TEST = Text("시험용 장치입니다", "this is a test device")
WAS_HELD = Text("정비 시간 동안 알림이 보류됨", "held back during maintenance")


@dataclass(frozen=True)
class Block:
    """Lines under a heading."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """The pieces of a notification, each text one line: facts first, then the blocks, the most important first."""

    level: str
    title: str
    facts: tuple[Fact, ...]
    blocks: tuple[Block, ...]
    link: str
    open_link: str
    references: tuple[Fact, ...]


def content(notice: Notice) -> Content:
    """Composes what a notice says."""
    blocks = (Block(label(notice, "alerts"), tuple(map(_digested, notice.digest))),
              Block(label(notice, "hazards"), tuple(hazards(notice))),
              Block(label(notice, "measurements"), tuple(f"{name}: {value}" for name, value in measurements(notice))),
              Block(label(notice, "actions"), tuple(notice.recommendations)))
    return Content(notice.alert["level"], notice.title, tuple(_facts(notice)), tuple(each for each in blocks if each.lines),
                   notice.link, label(notice, "open"), tuple(_references(notice)))


def label(notice: Notice, name: str) -> str:
    """Returns one of `LABELS` in the notice's language."""
    return spoken(notice, LABELS[name])


def spoken(notice: Notice, text: Text) -> str:
    """Returns a text in the notice's language."""
    return text.ko if notice.language == "ko" else text.en


def hazards(notice: Notice) -> list[str]:
    """Returns every contribution to the score that the alert lists, the alert's own hazard first."""
    explanation = notice.alert.get("explanation")
    listed = [each for each in explanation if _is_contribution(each)] if isinstance(explanation, list) else []
    return list(filter(None, dict.fromkeys(line(spoken(notice, reason(each))) for each in listed)))


def measurements(notice: Notice) -> list[Fact]:
    """Returns the alert's measurements with their names and units, then the alarms that the device's status means."""
    values = [(spoken(notice, each.label), quantity(notice.alert[each.name], each.unit))
              for each in SHOWN if each.label and is_number(notice.alert.get(each.name))]
    names = ", ".join(spoken(notice, ALARM_NAMES[name]) for name in _alarms(notice.alert.get("status_bits")))
    return [*values, (label(notice, "alarms"), names)] if names else values


def place_names(notice: Notice) -> list[Fact]:
    """Returns the names of site, zone and device, as far as they are known."""
    alert, place = notice.alert, notice.place
    if alert["transition"] == "DIGEST":
        return []
    is_site = alert.get("subject_kind") == "SITE"
    site = alert["subject"] if is_site else alert.get("site_id")
    shown = f"{place.site_name} ({site})" if place.site_name and site else place.site_name or site
    names = [("site", shown), ("zone", place.zone), ("device", None if is_site else alert["subject"])]
    return [(label(notice, name), line(str(value))) for name, value in names if value]


def is_number(value: Any) -> bool:
    """Returns whether the value is a number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _digested(notice: Notice) -> str:
    """Returns the line of an alert in a digest."""
    return f"{notice.title} ({notice.place.clock(notice.alert['event_time'])})"


def _facts(notice: Notice) -> Iterator[Fact]:
    alert, clock = notice.alert, notice.place.clock
    if notice.place.is_test:
        yield label(notice, "test"), spoken(notice, IS_TEST)
    if is_number(alert.get("risk_score")):
        yield label(notice, "risk"), f"{alert['risk_score']:.2f}"
    yield from place_names(notice)
    if notice.escalated_from is not None:
        yield label(notice, "told"), notice.escalated_from
    yield label(notice, "time"), clock(alert["event_time"])
    if isinstance(alert.get("opened_at"), str) and alert["opened_at"] != alert["event_time"]:
        held = f" ({spoken(notice, WAS_HELD)})" if alert.get("was_held") is True else ""
        yield label(notice, "since"), line(clock(alert["opened_at"])) + held
    if isinstance(alert.get("last_seen"), str):
        yield label(notice, "last_seen"), line(clock(alert["last_seen"]))


def _references(notice: Notice) -> Iterator[Fact]:
    yield label(notice, "alert"), notice.alert["alert_id"]
    yield label(notice, "key"), notice.key


def _is_contribution(each: Any) -> bool:
    return (isinstance(each, Mapping) and isinstance(each.get("name"), str) and isinstance(each.get("unit"), str | None)
            and all(each.get(name) is None or is_number(each[name]) for name in ("value", "limit"))
            and {"name", "unit", "value", "limit"} <= each.keys())


def _alarms(status: Any) -> list[str]:
    if not isinstance(status, int) or isinstance(status, bool) or status < 0:
        return []
    if status >> COMMUNICATION_ERROR.bit:
        return [COMMUNICATION_ERROR.name]
    return [each.name for each in ALARM_BITS if status >> each.bit & 1]
