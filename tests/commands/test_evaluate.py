"""What counts as seeing a fire in time and as a false alarm, on an excerpt of real measurements and on constructed rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.datasets import MOVED, PUBLISHED, start_of
from commands.evaluate.evaluate import Early, Verdict, early_summary, evaluate, judge, summary
from commands.evaluate.ground_truth import deadline, faults

DATA = Path(__file__).parents[1] / "data"
FIRE, CABLE, HOME, MACHINE = "nist-SDC05", "carolfire-65", "uci-household", "nab-machine-temperature"


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    """The verdicts of the real jobs on the excerpt, by test."""
    return {each.test: each for each in evaluate(DATA)}


def test_fires_of_the_excerpt_are_seen_in_time_and_no_reading_is_lost(verdicts: dict[str, Verdict]) -> None:
    assert set(verdicts) == {FIRE, CABLE, HOME}
    assert all(each.is_right and each.is_complete for each in verdicts.values())


def test_home_fire_is_seen_before_half_of_its_real_smoke_alarms(verdicts: dict[str, Verdict]) -> None:
    assert verdicts[FIRE].deadline_s == 117
    assert verdicts[FIRE].alarm_s is not None and verdicts[FIRE].alarm_s < 117


def test_cable_is_seen_before_it_reaches_200_degrees_and_not_before_it_is_heated(verdicts: dict[str, Verdict]) -> None:
    assert verdicts[CABLE].deadline_s == 206
    assert verdicts[CABLE].alarm_s is not None and 0 <= verdicts[CABLE].alarm_s < 206


def test_household_raises_nothing_in_two_days(verdicts: dict[str, Verdict]) -> None:
    assert verdicts[HOME].alerts == 0
    assert verdicts[HOME].device_days == pytest.approx(2, abs=0.001)


def test_all_25_published_fires_are_seen_in_time_and_everyday_operation_stays_quiet() -> None:
    found = evaluate(PUBLISHED)
    assert len([each for each in found if each.is_fire]) == 25
    assert [each.test for each in found if not each.is_right] == []


def test_early_heat_stands_beside_the_first_real_smoke_alarm(verdicts: dict[str, Verdict]) -> None:
    assert verdicts[FIRE].early == Early(25, 32, 0, 0)
    assert verdicts[HOME].early == Early(None, None, 0, pytest.approx(2, abs=0.001))


def alert(test: str, after: float, level: str = "HIGH", kind: str = "TEMPERATURE_RISE", transition: str = "OPENED"
          ) -> dict[str, Any]:
    start = start_of(test) or datetime(2013, 12, 10, 7, tzinfo=UTC) + MOVED
    return {"device_id": test, "event_time": (start + timedelta(seconds=after)).isoformat(), "transition": transition,
            "alert_type": kind, "level": level}


def judged(test: str, *alerts: dict[str, Any], readings: int = 2, data: Path = DATA) -> Verdict:
    rows = [alert(test, 0), alert(test, 86_400)][:readings]
    return judge(data, test, 2, {"readings": rows, "alerts": list(alerts), "temperature_anomalies": [], "risk_spikes": []})


def test_alarm_before_the_fire_is_lit_is_wrong() -> None:
    assert not judged(CABLE, alert(CABLE, -1), alert(CABLE, 40)).is_right
    assert judged(CABLE, alert(CABLE, 40)).is_right


def test_alarm_at_its_deadline_is_too_late() -> None:
    assert judged(CABLE, alert(CABLE, 205.9)).is_right
    assert not judged(CABLE, alert(CABLE, 206)).is_right


def test_alert_below_high_is_not_a_fire_alarm() -> None:
    assert not judged(FIRE, alert(FIRE, 10, "MEDIUM")).is_in_time
    assert judged(FIRE, alert(FIRE, 10, "MEDIUM"), alert(FIRE, 50, transition="ESCALATED")).alarm_s == 50


def test_fire_without_a_deadline_only_has_to_be_seen() -> None:
    assert judged("delco-02", alert("delco-02", 1000)).is_right
    assert not judged("delco-02").is_right


def test_any_alert_in_a_home_is_false_but_silence_has_its_own_column() -> None:
    assert judged(HOME, alert(HOME, 0, "MEDIUM", "DEVICE_SILENT")).is_right
    assert judged(HOME, alert(HOME, 0, "MEDIUM", "DEVICE_SILENT")).silences == 1
    assert not judged(HOME, alert(HOME, 0, "MEDIUM", "ARC_MAINTENANCE")).is_right


def test_reminder_and_clearing_do_not_count_as_alerts() -> None:
    verdict = judged(FIRE, alert(FIRE, 10), alert(FIRE, 910, transition="REMINDED"), alert(FIRE, 1500, transition="CLEARED"))
    assert (verdict.alerts, verdict.alarm_s) == (1, 10)


def test_early_heat_before_the_fire_is_false() -> None:
    verdict = judged(CABLE, alert(CABLE, -20, "MEDIUM", "EARLY_HEAT"), alert(CABLE, 30, "MEDIUM", "EARLY_HEAT"), alert(CABLE, 40))
    assert (verdict.early.first_s, verdict.early.false) == (30, 1)
    assert early_summary([verdict]) == (
        "early heat in 1 of 1 fires; 0 in 0.0 device-days of everyday operation, and 1 in 0.00 before the fires")


def test_lost_reading_is_wrong_whatever_alarms() -> None:
    assert not judged(FIRE, alert(FIRE, 10), readings=1).is_right


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with two known faults of the machine."""
    (tmp_path / "temperature").mkdir()
    (tmp_path / "temperature" / "nab_anomaly_windows.csv").write_text(
        "series,window_start,window_end\nm,2013-12-10T06:25:00,2013-12-12T05:35:00\nm,2013-12-15T17:50:00,2013-12-17T17:00:00\n")
    return tmp_path


def test_fault_of_the_machine_is_shown_by_an_alert_within_its_time(machine: Path) -> None:
    assert len(faults(machine)) == 2
    assert judged(MACHINE, alert(MACHINE, 0), data=machine).faults_seen == 1
    assert judged(MACHINE, alert(MACHINE, 3 * 86_400), data=machine).faults_seen == 0
    assert judged(MACHINE, alert(MACHINE, 0, "MEDIUM", "DEVICE_SILENT"), data=machine).faults_seen == 0


def test_machine_that_shows_no_fault_is_still_right(machine: Path) -> None:
    assert judged(MACHINE, data=machine).is_right


def test_cable_counts_as_hot_from_the_first_of_five_samples_in_a_row(tmp_path: Path) -> None:
    (tmp_path / "cable").mkdir()
    temperatures = [20, 250, 20, 200, 201, 202, 203, 204, 205]
    (tmp_path / "cable" / "carolfire_penlight_07.csv").write_text(
        "t_s,shroud_c,conduit_1_c,cable_4_c\n" + "".join(f"{n},500,400,{t}\n" for n, t in enumerate(temperatures)))
    assert deadline(tmp_path, "carolfire-07") == (3.0, "cable at 200 °C")


def test_compressed_ground_truth_is_read_like_plain_one() -> None:
    assert deadline(PUBLISHED, CABLE) == deadline(DATA, CABLE) == (206.0, "cable at 200 °C")


def test_test_without_ground_truth_has_no_deadline(tmp_path: Path) -> None:
    assert [deadline(tmp_path, test)[0] for test in ("nist-SDC05", "carolfire-07", "delco-02", HOME)] == [None] * 4
    assert faults(tmp_path) == []


def test_summary_counts_fires_and_false_alerts_per_device_day() -> None:
    verdicts = [judged(FIRE, alert(FIRE, 10)), judged(CABLE), judged(HOME, alert(HOME, 0))]
    assert summary(verdicts) == ("1 of 2 fires seen in time; 1 false alerts in 1.0 device-days of everyday operation "
                                 "(1.000 per device-day); 0 readings lost")
