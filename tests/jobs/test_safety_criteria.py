"""Safety criteria: by when a hazard must alarm, and until when a harmless condition must not, by figures of standards.

An alarm is a candidate of level HIGH or CRITICAL for the device. Times are event time, minutes after the hazard begins; a window
counts when it closes. Devices report every 10 seconds, and have reported an hour of ordinary air before where `settled` says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import Rows
from tests.support.packing import Case, of_case

EVERY = 10
"""Seconds between readings."""
SETTLED = 60
"""Minutes of ordinary readings before the hazard."""
NEVER = math.inf


@dataclass(frozen=True)
class Criterion:
    """A condition and the minutes between which its first alarm must come; with only `quiet_until` it need not alarm at all."""

    name: str
    hazard: Rows
    quiet_until: float = 0.0
    alarm_by: float = NEVER
    level: str = "HIGH"
    before: Rows = ()  # type: ignore[assignment]

    def case(self) -> Case:
        return Case(self.name, [*self.before, *self.hazard])


def steady(minutes: float, at: float = 0, **measured: Any) -> Rows:
    return [{"at": 60 * at, "every": EVERY, "times": round(60 * minutes / EVERY), **measured}]


def rising(start: float, end: float, per_minute: float, every: int = EVERY) -> Rows:
    steps = math.ceil((end - start) / per_minute * 60 / every)
    temperatures = [min(round(start + per_minute * n * every / 60, 3), end) for n in range(steps + 1)]
    return [{"at": 0, "every": every, "sensorTemp": temperatures}]


def settled(**measured: Any) -> Rows:
    return steady(SETTLED, at=-SETTLED, **measured)


CLEAN = settled(co=0)
CRITERIA = (
    Criterion("EN 50291: 30 ppm CO stays quiet for 120 min", steady(121, co=30), quiet_until=120, before=CLEAN),
    Criterion("EN 50291: 50 ppm CO alarms between 60 and 90 min", steady(91, co=50), 60, 90, before=CLEAN),
    Criterion("EN 50291: 100 ppm CO alarms between 10 and 40 min", steady(41, co=100), 10, 40, before=CLEAN),
    Criterion("EN 50291: 300 ppm CO alarms within 3 min", steady(4, co=300), alarm_by=3, level="CRITICAL", before=CLEAN),
    Criterion("UL 521: 8.3 °C within a minute alarms", [*steady(1, at=-1, sensorTemp=25), *rising(25, 33.3, 8.3 * 60 / 50)],
              alarm_by=1),
    Criterion("UL 521: 9.96 °C/min every 10 s alarms within a minute", rising(25, 45, 9.96), alarm_by=1),
    Criterion("UL 521: 8.45 °C/min every second alarms within a minute and 10 s", rising(25, 45, 8.45, every=1),
              alarm_by=1 + 1 / 6),
    Criterion("8.3 °C/min from 25 °C alarms by the time it is above 60 °C", rising(25, 70, 8.3), alarm_by=4.4),
    Criterion("3 °C/min up to 50 °C stays quiet", [*rising(20, 50, 3), *steady(60, at=10.1, sensorTemp=50)], quiet_until=70),
    Criterion("60 °C stays quiet", steady(60, sensorTemp=60), quiet_until=60, before=settled(sensorTemp=60)),
    Criterion("above 60 °C alarms at once", steady(5, sensorTemp=60.1), alarm_by=0, before=settled(sensorTemp=60)),
    Criterion("5 arcs in a reading, once an hour, stay quiet", [*steady(1, at=1, aArc=0), {"at": 120, "aArc": 5}], quiet_until=60,
              before=settled(aArc=0)),
    Criterion("5 arcs in every reading stay below HIGH", steady(20, aArc=5), quiet_until=20),
    Criterion("more than 5 arcs alarm at once", steady(1, aArc=6), alarm_by=0),
    Criterion("9 mA leakage alone stays quiet", steady(60, zct=9, rzct=9), quiet_until=60, before=settled(zct=1)),
    Criterion("29.9 mA leakage alone stays quiet", steady(60, zct=29.9), quiet_until=60, before=settled(zct=1)),
    Criterion("30 mA leakage is HIGH at once", steady(5, zct=30), alarm_by=0, before=settled(zct=1)),
    Criterion("30 mA resistive leakage is HIGH at once", steady(5, rzct=30), alarm_by=0),
    Criterion("EN 50550: 1.2 times the nominal voltage stays below HIGH", steady(20, volt=264), quiet_until=20),
    Criterion("EN 50550: more than 1.2 times the nominal voltage is HIGH at once", steady(5, volt=264.1), alarm_by=0),
    Criterion("IEC 62606: the alarm of an arc detector is HIGH at once", steady(5, status=2048), alarm_by=0),
    Criterion("the alarm of a CO detector is HIGH at once", steady(5, status=256), alarm_by=0),
    Criterion("the alarm of a temperature sensor is HIGH at once", steady(5, status=128), alarm_by=0),
    Criterion("the bits of overvoltage, overcurrent and leakage stay below HIGH", steady(20, status=13), quiet_until=20),
    Criterion("a status that is a communication error has no alarms", steady(20, status=65535), quiet_until=20),
    Criterion("300 mA leakage is CRITICAL at once", steady(5, zct=300), alarm_by=0, level="CRITICAL", before=settled(zct=1)),
)
STEADY_RISE = Criterion("8.3 °C/min, every 10 s", rising(25, 58, 8.3))
NEW_IN_50 = Criterion("switched on in 50 ppm", steady(60, co=50))
NEW_IN_100 = Criterion("switched on in 100 ppm", steady(12, co=100))
CASES = [each.case() for each in (*CRITERIA, STEADY_RISE, NEW_IN_50, NEW_IN_100)]
Alarms = dict[str, Rows]


@pytest.fixture(scope="module")
def alarms(cases: dict[str, Rows], case_starts: dict[str, int]) -> Alarms:
    """Returns the candidates of level HIGH or CRITICAL by criterion, in order; `minute` counts from the start of the hazard."""
    found = [row for row in cases["candidates"] if row["level"] in ("HIGH", "CRITICAL")]
    made = {case.name: of_case(found, case.name, case_starts[case.name]) for case in CASES}
    return {name: sorted(({**row, "minute": row["event_time"] / 60} for row in rows), key=lambda row: row["minute"])
            for name, rows in made.items()}


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda each: each.name)
def test_criterion_is_met(criterion: Criterion, alarms: Alarms) -> None:
    first = alarms[criterion.name][0] if alarms[criterion.name] else {"minute": NEVER, "level": criterion.level}
    assert first["minute"] >= criterion.quiet_until, f"alarmed early: {first}"
    assert first["minute"] <= criterion.alarm_by, f"first alarm: {first}"
    assert first["level"] == criterion.level or criterion.alarm_by == NEVER


def test_device_switched_on_in_carbon_monoxide_alarms_up_to_six_minutes_before_the_standards_band(alarms: Alarms) -> None:
    """Without clean minutes before, 54 minutes of an hour or 9 of ten suffice: an early alarm, on the safe side."""
    assert [alarms[each.name][0]["minute"] for each in (NEW_IN_50, NEW_IN_100)] == [54, 9]


@pytest.mark.xfail(strict=True, reason="a window of 60 s holds readings 50 s apart, in which a steady 8.3 °C/min makes 6.9 °C")
def test_steady_rise_of_8_3_degrees_a_minute_reported_every_10_seconds_alarms_before_60_degrees(alarms: Alarms) -> None:
    assert "TEMPERATURE_RISE" in {row["alert_type"] for row in alarms[STEADY_RISE.name]}
