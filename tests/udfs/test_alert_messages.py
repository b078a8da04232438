"""Messages of alerts: every type, level and transition, in both languages."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from udfs.readings import scoring
from udfs.readings.explanation import explain
from udfs.texts.alert_messages import ALARM_NAMES, compose
from udfs.texts.alert_texts import ALERT_TYPES
from udfs.texts.names import ALARM_BITS, COMMUNICATION_ERROR, LEVEL_NAMES, MEASUREMENT_NAMES

TRANSITIONS = ("OPENED", "ESCALATED", "REMINDED", "CLEARED", None)
LEVELS = ("MEDIUM", "HIGH", "CRITICAL")
HANGUL = re.compile("[가-힣]")
HEAT = {"name": "max_temperature", "value": 72.44, "unit": "°C", "limit": 60.0, "points": 0.6}
ALARM = {"name": "pcb_temp_alarm", "value": 1, "unit": "", "limit": None, "points": 0.09}


def alert(**more: Any) -> dict[str, Any]:
    return {
        "transition": "OPENED", "alert_type": "TEMPERATURE_CRITICAL", "level": "CRITICAL", "risk_score": 0.8, "subject": "dev-1",
        "subject_kind": "DEVICE", "site_id": "site-1", "opened_at": "2025-10-09T08:30:00.000Z", "last_seen": None,
        "was_held": False, "explanation": [HEAT, ALARM], "event_time": "2025-10-09T09:00:05.959Z",
        "last_candidate_at": "2025-10-09T08:54:10.000Z", **more,
    }  # fmt: skip


def texts(**more: Any) -> list[str]:
    composed = compose(alert(**more))
    return [composed["message_ko"], composed["message_en"], *composed["recommendations_ko"],
            *composed["recommendations_en"]]


def test_opened_alert_says_where_what_how_much_and_when() -> None:
    composed = compose(alert())
    assert composed["message_ko"] == (
        "[심각] 고온 감지, 장치 dev-1, 현장 site-1. 측정: 최고 온도 72.44 °C(기준 60 °C), 기판(PCB) 온도 경보. "
        "위험도 0.80. 시각: 2025-10-09 09:00:05 UTC. 지금 즉시 현장을 점검하십시오.")
    assert composed["message_en"] == (
        "[CRITICAL] High temperature detected, device dev-1, site site-1. Measured: highest temperature 72.44 °C "
        "(limit 60 °C), Circuit board temperature alarm. Risk 0.80. Time: 2025-10-09 09:00:05 UTC. Inspect on site now.")


def test_escalated_alert_says_that_its_level_rose() -> None:
    composed = compose(alert(transition="ESCALATED"))
    assert composed["message_ko"].startswith("[심각] 고온 경보 단계 상향, 장치 dev-1")
    assert composed["message_en"].startswith("[CRITICAL] High temperature alert raised to a higher level, device dev-1")


def test_cleared_alert_says_that_it_is_clear_and_since_when() -> None:
    composed = compose(alert(transition="CLEARED"))
    assert composed["message_ko"] == (
        "[해제] 고온 경보 해제, 장치 dev-1, 현장 site-1. 2025-10-09 08:54:10 UTC 이후 이상 징후가 없어 "
        "2025-10-09 09:00:05 UTC에 해제되었습니다. 최고 단계: 심각.")
    assert composed["message_en"] == (
        "[CLEARED] High temperature alert has ended, device dev-1, site site-1. Nothing unusual since "
        "2025-10-09 08:54:10 UTC; cleared at 2025-10-09 09:00:05 UTC. Highest level: CRITICAL.")


def test_reminder_says_since_when_and_what_was_last_detected() -> None:
    composed = compose(alert(transition="REMINDED", level="HIGH"))
    assert composed["message_ko"] == (
        "[경계] 고온 경보 지속, 장치 dev-1, 현장 site-1. 측정: 최고 온도 72.44 °C(기준 60 °C), 기판(PCB) 온도 경보. "
        "위험도 0.80. 2025-10-09 08:30:00 UTC부터 지속, 마지막 감지: 2025-10-09 08:54:10 UTC.")
    assert composed["message_en"] == (
        "[HIGH] High temperature alert still open, device dev-1, site site-1. Measured: highest temperature 72.44 °C "
        "(limit 60 °C), Circuit board temperature alarm. Risk 0.80. Open since 2025-10-09 08:30:00 UTC, last detected "
        "2025-10-09 08:54:10 UTC.")


def test_silent_device_has_a_last_time_and_reports_again() -> None:
    silent = {"alert_type": "DEVICE_SILENT", "level": "MEDIUM", "explanation": [], "last_seen": "2025-10-09T08:55:05.000Z"}
    assert compose(alert(**silent))["message_ko"] == (
        "[주의] 장치 무응답 감지, 장치 dev-1, 현장 site-1. 마지막 수신: 2025-10-09 08:55:05 UTC. "
        "위험도 0.80. 시각: 2025-10-09 09:00:05 UTC.")
    cleared = compose(alert(transition="CLEARED", **silent))
    assert "The device reports again; cleared at 2025-10-09 09:00:05 UTC." in cleared["message_en"]
    assert "장치가 다시 응답하여 2025-10-09 09:00:05 UTC에 해제되었습니다." in cleared["message_ko"]


def test_alert_of_a_site_names_no_device() -> None:
    site = texts(alert_type="SITE_CLUSTER", subject_kind="SITE", subject="site-1")
    assert site[0].startswith("[심각] 현장 내 여러 장치의 동시 위험 감지, 현장 site-1. 측정")
    assert site[1].startswith("[CRITICAL] Risk at several devices of one site detected, site site-1. Measured")


def test_withheld_alert_says_since_when_it_is_open() -> None:
    composed = compose(alert(was_held=True))
    assert "정비 시간 동안 알림이 보류되었으며, 2025-10-09 08:30:00 UTC부터 지속 중입니다." in composed["message_ko"]
    assert "Held back during maintenance; open since 2025-10-09 08:30:00 UTC." in composed["message_en"]
    assert "Held" not in compose(alert(was_held=True, opened_at=alert()["event_time"]))["message_en"]


@pytest.mark.parametrize("level", LEVELS)
def test_only_critical_asks_to_inspect_on_site_now(level: str) -> None:
    composed = compose(alert(level=level))
    assert ("Inspect on site now." in composed["message_en"]) == (level == "CRITICAL")
    assert ("Inspect on site now." in composed["recommendations_en"]) == (level == "CRITICAL")
    assert ("지금 즉시 현장을 점검하십시오." in composed["recommendations_ko"]) == (level == "CRITICAL")


@pytest.mark.parametrize(("kind", "advice"), [
    ("TEMPERATURE_CRITICAL", ("Cool", "ventilation", "cutting off")), ("ARC_DETECTED", ("wiring", "insulation")),
    ("ELECTRICAL_LEAKAGE", ("breaker", "earthing")), ("GAS_DETECTION", ("Ventilate", "leak")), ("OVERVOLTAGE", ("neutral",)),
    ("OVERCURRENT", ("load", "ratings")), ("POWER_OUTAGE", ("supply",)),
])  # fmt: skip
def test_recommendations_fit_the_hazard(kind: str, advice: tuple[str, ...]) -> None:
    recommended = " ".join(compose(alert(alert_type=kind, level="HIGH"))["recommendations_en"])
    assert all(word in recommended for word in advice)


@pytest.mark.parametrize(("level", "recommended"), [
    ("MEDIUM", ["Check the wiring connections.", "Check the insulation.", "Ventilate at once.", "Find the leak.",
                "Keep watching the situation."]),
    ("CRITICAL", ["Inspect on site now.", "Check the wiring connections.", "Check the insulation.", "Ventilate at once.",
                  "Find the leak.", "Consider cutting off the power."]),
])  # fmt: skip
def test_recommendations_are_those_of_all_hazards_the_alerts_own_first(level: str, recommended: list[str]) -> None:
    arcs = alert(alert_type="ARC_DETECTED", level=level)
    assert compose(arcs, ["GAS_DETECTION"])["recommendations_en"] == recommended
    assert compose(arcs | {"transition": "CLEARED"}, ["GAS_DETECTION"])["recommendations_en"] == [
        "Find the cause and record what was done."]  # fmt: skip


def test_measurement_with_the_name_of_an_alarm_bit_has_its_value() -> None:
    both = [{"name": "resistive_leakage", "value": 31.0, "unit": "mA", "limit": 30.0, "points": 0.6},
            {"name": "resistive_leakage", "value": 1, "unit": "", "limit": None, "points": 0.4}]
    assert ("Measured: resistive leakage current 31 mA (limit 30 mA), Resistive leakage alarm."
            in compose(alert(explanation=both))["message_en"])


def test_no_recommendation_is_given_twice() -> None:
    for kind in ALERT_TYPES:
        composed = compose(alert(alert_type=kind), ALERT_TYPES)
        assert len(set(composed["recommendations_en"])) == len(composed["recommendations_en"])


@pytest.mark.parametrize(("kind", "level", "transition"), product(ALERT_TYPES, LEVEL_NAMES, TRANSITIONS))
def test_every_text_is_plain_and_speaks_its_language(kind: str, level: str, transition: str) -> None:
    composed = compose(alert(alert_type=kind, level=level, transition=transition))
    korean, english = ([composed[f"message_{code}"], *composed[f"recommendations_{code}"]] for code in ("ko", "en"))
    assert all(HANGUL.search(text) for text in korean)
    assert not any(HANGUL.search(text) for text in english)
    assert all(text.isprintable() and "http" not in text and max(text) <= "힣" for text in korean + english)
    assert len(korean) == len(english) > 1
    assert all("  " not in text and " ," not in text and " ." not in text for text in korean + english)


def test_every_alert_type_and_level_has_its_own_text() -> None:
    assert set(ALERT_TYPES) == set(scoring.ALERT_TYPES) | {
        "CONTEXT_RISK", "TEMPERATURE_RISE", "EARLY_HEAT", "TEMPERATURE_ANOMALY", "RISK_SPIKE", "CO_EXPOSURE", "SITE_CLUSTER",
        "ARC_MAINTENANCE", "COMMUNICATION_ERROR", "DEVICE_CLOCK", "DEVICE_SILENT", "SENSOR_FAULT", "SITE_SILENT"}
    assert set(LEVEL_NAMES) == set(scoring.LEVELS)
    assert len({texts(alert_type=kind)[0] for kind in ALERT_TYPES}) == len(ALERT_TYPES)


def test_type_of_a_later_version_still_gets_a_text() -> None:
    assert texts(alert_type="NEW_KIND") == texts(alert_type="GENERAL_RISK")


def test_what_is_missing_is_left_out() -> None:
    nothing = texts(site_id=None, explanation=[])
    assert nothing[0] == ("[심각] 고온 감지, 장치 dev-1. 위험도 0.80. 시각: 2025-10-09 09:00:05 UTC. "
                          "지금 즉시 현장을 점검하십시오.")
    assert nothing[1] == ("[CRITICAL] High temperature detected, device dev-1. Risk 0.80. Time: 2025-10-09 09:00:05 UTC. "
                          "Inspect on site now.")
    unknown = texts(explanation=[HEAT | {"value": None}, HEAT | {"name": "new_sensor", "limit": None, "unit": None}])
    assert "Measured: highest temperature, new sensor 72.44. Risk 0.80. Time" in unknown[1]
    assert "None" not in "".join(unknown)


def test_names_of_devices_and_sites_cannot_bring_links_or_line_breaks() -> None:
    written = texts(subject="http://evil.example", site_id="a\nb\x1b")
    assert all("://" not in text and text.isprintable() for text in written)


def test_every_contribution_has_a_name_in_both_languages() -> None:
    many = {"pcb_temperature": 90.0, "sensor_temperature": 40.0, "voltage": 250.0, "current": 0.2, "power": 9.0,
            "power_factor": 0.5, "leakage_current": 400.0, "arc_count": 9, "co_gas": 400.0, "voc": 700.0}
    for reading in (many | {"status_bits": 4095}, {"status_bits": 4096}, {"voltage_low": 100.0}, {"current": 150.0},
                    {"resistive_leakage": 50.0}, {"sensor_temperature": 70.0}):
        assert {each.name for each in explain(reading)} <= set(MEASUREMENT_NAMES) | set(ALARM_NAMES)


def test_alarm_bits_are_those_of_the_scoring_core() -> None:
    assert tuple(alarm.name for alarm in ALARM_BITS) == scoring.ALARM_BITS
    assert [alarm.bit for alarm in ALARM_BITS] == list(range(12))
    assert 1 << COMMUNICATION_ERROR.bit == scoring.COMMUNICATION_ERROR
    names = [*ALARM_BITS, COMMUNICATION_ERROR]
    assert len({alarm.text.ko for alarm in names}) == len({alarm.text.en for alarm in names}) == 13
    assert all(HANGUL.search(alarm.text.ko) for alarm in names)
