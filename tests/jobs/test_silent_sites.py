"""A gateway that dies is one alert of its site; devices that fall silent for themselves are alerts of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Rows, message

DEVICES, STEP, MINUTE = 30, 30, 60
DIES, RETURNS, END = 7 * MINUTE + 5, 20 * MINUTE, 30 * MINUTE
"""The gateway dies 5 s after a full minute, so that the last readings of its devices are in two minutes."""


def sent(device: str, site: str, offset: int, until: int = END, since: int = END) -> list[tuple[int, bytes]]:
    """Returns the messages of a device that is silent from `until` to `since`, with their times."""
    times = [at for at in range(offset, END, STEP) if at < until or at >= since]
    return [(at, message(device, idx=at, at=at, siteId=site)) for at in times]


@pytest.fixture(scope="module")
def day(replay: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    """Replays a mill whose gateway dies, a shop of which two of ten devices fall silent, and a park whose lamps do one by one."""
    lines = [each for n in range(DEVICES) for each in sent(f"board-{n:02}", "mill", n, DIES, RETURNS)]
    lines += sent("new", "mill", 10 * MINUTE) + sent("spare", "mill", 1)
    lines += [each for n in range(10) for each in sent(f"shelf-{n}", "shop", n, DIES if n < 2 else END)]
    lines += [each for n in range(3) for each in sent(f"lamp-{n}", "park", n, DIES + 3 * n * MINUTE)]
    return replay([line for _, line in sorted(lines, key=lambda line: line[0])])


def told(results: dict[str, Rows], site: str) -> list[tuple[str, str, str]]:
    return sorted((row["alert_type"], row["subject"], row["transition"]) for row in results["alerts"]
                  if row["site_id"] == site and row["transition"] != "REMINDED")


def test_gateway_that_dies_is_one_alert_of_its_site_and_none_of_its_devices(day: dict[str, Rows]) -> None:
    assert told(day, "mill") == [("SITE_SILENT", "mill", "CLEARED"), ("SITE_SILENT", "mill", "OPENED")]


def test_alert_of_a_silent_site_names_its_devices_and_says_when_they_were_heard_last(day: dict[str, Rows]) -> None:
    (opened,) = [row for row in day["alerts"] if row["subject"] == "mill" and row["transition"] == "OPENED"]
    assert opened["device_names"].split("\n") == [f"board-{n:02}" for n in range(DEVICES)]
    assert (opened["last_seen"][11:19], opened["event_time"][11:19]) == ("09:07:04", "09:12:04")
    assert "silent devices 30 (limit 3)" in opened["message_en"]
    assert "Devices: board-00, " in opened["message_en"] and "board-19 and 10 more." in opened["message_en"]
    assert "외 10대" in opened["message_ko"]


def test_silence_of_a_site_ends_when_one_of_its_silent_devices_returns_and_not_with_another_one(day: dict[str, Rows]) -> None:
    (cleared,) = [row for row in day["alerts"] if row["subject"] == "mill" and row["transition"] == "CLEARED"]
    assert cleared["event_time"][11:19] == "09:21:00"
    assert "A silent device reports again" in cleared["message_en"]


def test_less_than_half_of_a_site_fall_silent_for_themselves(day: dict[str, Rows]) -> None:
    assert told(day, "shop") == [("DEVICE_SILENT", f"shelf-{n}", "OPENED") for n in range(2)]


def test_devices_that_fall_silent_minutes_apart_do_so_for_themselves(day: dict[str, Rows]) -> None:
    assert told(day, "park") == [("DEVICE_SILENT", f"lamp-{n}", "OPENED") for n in range(3)]
