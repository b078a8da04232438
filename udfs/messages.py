"""What an alert says to people, in Korean and English: plain text, no links.

Recommendations follow the contract (semantics, "Alerts"): temperature → cool, ventilate, consider cut-off; arcs →
wiring and insulation; leakage → breaker and earthing; gas → ventilate, find the leak; CRITICAL → inspect on site now.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class Text(NamedTuple):
    """One meaning in both languages."""

    ko: str
    en: str


class AlarmBit(NamedTuple):
    """One bit of a device's status, with the names people read."""

    bit: int
    name: str
    text: Text


class Kind(NamedTuple):
    """How an alert type is called, and what to do about it."""

    title: Text
    recommendations: tuple[Text, ...]


ALARM_BITS = (
    AlarmBit(0, "overvoltage", Text("과전압", "Overvoltage")),
    AlarmBit(1, "power_outage", Text("정전", "Power outage")),
    AlarmBit(2, "overcurrent", Text("과전류", "Overcurrent")),
    AlarmBit(3, "total_leakage", Text("전체 누설전류", "Total leakage current")),
    AlarmBit(4, "resistive_leakage", Text("저항성 누설전류", "Resistive leakage current")),
    AlarmBit(5, "power_anomaly", Text("전력 이상", "Power anomaly")),
    AlarmBit(6, "pcb_temp_alarm", Text("기판(PCB) 온도 경보", "Circuit board temperature alarm")),
    AlarmBit(7, "sensor_temp_alarm", Text("센서 온도 경보", "Sensor temperature alarm")),
    AlarmBit(8, "co_alarm", Text("일산화탄소(CO) 경보", "Carbon monoxide alarm")),
    AlarmBit(9, "voc_alarm", Text("휘발성 유기화합물(VOC) 경보", "Volatile organic compounds alarm")),
    AlarmBit(10, "power_factor_alarm", Text("역률 경보", "Power factor alarm")),
    AlarmBit(11, "arc_alarm", Text("아크 경보", "Arc alarm")),
)
COMMUNICATION_ERROR = AlarmBit(12, "communication_error", Text("통신 오류", "Communication error"))
"""Any status of 4096 (bit 12) or more."""

INSPECT = Text("지금 즉시 현장을 점검하십시오.", "Inspect on site now.")
CUT_OFF = Text("전원 차단을 검토하십시오.", "Consider cutting off the power.")
FIND_CAUSE = Text("원인을 확인하고 조치 내용을 기록하십시오.", "Find the cause and record what was done.")

GENERAL = Kind(Text("복합 위험", "High fire risk"), (
    Text("장치와 연결된 회로를 점검하십시오.", "Check the device and the circuit it watches."),
))
KINDS = {
    "TEMPERATURE_CRITICAL": Kind(Text("고온", "High temperature"), (
        Text("즉시 냉각하고 환기 상태를 확인하십시오.", "Cool the equipment at once and check its ventilation."),
        CUT_OFF,
    )),
    "ARC_DETECTED": Kind(Text("아크", "Electrical arcs"), (
        Text("배선 연결부를 점검하십시오.", "Check the wiring connections."),
        Text("절연 상태를 확인하십시오.", "Check the insulation."),
    )),
    "ELECTRICAL_LEAKAGE": Kind(Text("누전", "Electrical leakage"), (
        Text("누전차단기의 동작을 확인하십시오.", "Check that the residual current breaker works."),
        Text("접지 상태를 점검하십시오.", "Check the earthing."),
    )),
    "OVERCURRENT": Kind(Text("과전류", "Overcurrent"), (
        Text("부하를 줄이고 과부하 여부를 확인하십시오.", "Reduce the load and check for an overload."),
        Text("차단기와 배선의 정격을 확인하십시오.", "Check the ratings of breaker and wiring."),
    )),
    "GAS_DETECTION": Kind(Text("가스", "Gas"), (
        Text("즉시 환기하십시오.", "Ventilate at once."),
        Text("가스 누출 지점을 확인하십시오.", "Find the leak."),
    )),
    "GENERAL_RISK": GENERAL,
}  # fmt: skip
"""Alert type → its texts; a type that is not here reads as `GENERAL_RISK`."""

LEVEL_NAMES = {
    "NORMAL": Text("정상", "NORMAL"), "LOW": Text("관심", "LOW"), "MEDIUM": Text("주의", "MEDIUM"),
    "HIGH": Text("경계", "HIGH"), "CRITICAL": Text("심각", "CRITICAL"),
}  # fmt: skip

MEASUREMENT_NAMES = {
    "max_temperature": Text("최고 온도", "highest temperature"),
    "pcb_temperature": Text("기판(PCB) 온도", "circuit board temperature"),
    "sensor_temperature": Text("센서 온도", "sensor temperature"),
    "temperature_imbalance": Text("기판·센서 온도 차이", "difference of the two temperatures"),
    "voltage": Text("전압", "voltage"), "voltage_low": Text("최저 전압", "lowest voltage"),
    "current": Text("전류", "current"),
    "leakage_current": Text("누설전류", "leakage current"),
    "resistive_leakage": Text("저항성 누설전류", "resistive leakage current"),
    "power": Text("전력", "power"), "power_factor": Text("역률", "power factor"),
    "power_mismatch": Text("전력 불일치", "power mismatch"), "resistance": Text("회로 저항", "resistance of the load"),
    "total_alarm_count": Text("동시 경보 수", "alarms at once"),
    "arc_count": Text("아크 횟수", "arcs"),
    "co_gas": Text("일산화탄소(CO)", "carbon monoxide"),
    "voc": Text("휘발성 유기화합물(VOC)", "volatile organic compounds"),
}  # fmt: skip
ALARM_NAMES = {alarm.name: alarm.text for alarm in (*ALARM_BITS, COMMUNICATION_ERROR)}
LONG_NUMBER = 1e9
UNSAFE = re.compile(r"://|[\x00-\x1f\x7f]")
"""What would break a line or make a link of a device's or site's name."""


def compose(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The texts of an alert.

    Args:
        alert: `transition`, `alert_type`, `level`, `subject`, `site_id`, `explanation`, `event_time` and
            `last_candidate_at` of an alert row. What is None there is left out of the texts.

    Returns:
        `message_ko`, `message_en`, `recommendations_ko` and `recommendations_en`.
    """
    recommendations = _recommendations(alert)
    return {
        "message_ko": _message_ko(alert), "message_en": _message_en(alert),
        "recommendations_ko": [text.ko for text in recommendations],
        "recommendations_en": [text.en for text in recommendations],
    }  # fmt: skip


def _recommendations(alert: Mapping[str, Any]) -> list[Text]:
    if alert["transition"] == "CLEARED":
        return [FIND_CAUSE]
    of_kind = KINDS.get(alert["alert_type"], GENERAL).recommendations
    texts = (INSPECT, *of_kind, CUT_OFF) if alert["level"] == "CRITICAL" else of_kind
    return list(dict.fromkeys(texts))


def _message_ko(alert: Mapping[str, Any]) -> str:
    title, level = KINDS.get(alert["alert_type"], GENERAL).title.ko, LEVEL_NAMES[alert["level"]].ko
    place = _joined(f"장치 {_plain(alert['subject'])}", alert["site_id"] and f"현장 {_plain(alert['site_id'])}")
    if alert["transition"] == "CLEARED":
        return (f"[해제] {title} 경보 해제, {place}. {_clock(alert['last_candidate_at'])} 이후 이상 징후가 없어 "
                f"{_clock(alert['event_time'])}에 해제되었습니다. 최고 단계: {level}.")
    heading = "경보 단계 상향" if alert["transition"] == "ESCALATED" else "감지"
    return " ".join(_present(
        f"[{level}] {title} {heading}, {place}.", _sentence("측정: ", _measured(alert, _finding_ko)),
        f"시각: {_clock(alert['event_time'])}.", alert["level"] == "CRITICAL" and INSPECT.ko))


def _message_en(alert: Mapping[str, Any]) -> str:
    title, level = KINDS.get(alert["alert_type"], GENERAL).title.en, LEVEL_NAMES[alert["level"]].en
    place = _joined(f"device {_plain(alert['subject'])}", alert["site_id"] and f"site {_plain(alert['site_id'])}")
    if alert["transition"] == "CLEARED":
        return (f"[CLEARED] {title} alert has ended, {place}. Nothing unusual since "
                f"{_clock(alert['last_candidate_at'])}; cleared at {_clock(alert['event_time'])}. "
                f"Highest level: {level}.")
    heading = "alert raised to a higher level" if alert["transition"] == "ESCALATED" else "detected"
    return " ".join(_present(
        f"[{level}] {title} {heading}, {place}.", _sentence("Measured: ", _measured(alert, _finding_en)),
        f"Time: {_clock(alert['event_time'])}.", alert["level"] == "CRITICAL" and INSPECT.en))


def _measured(alert: Mapping[str, Any], finding: Callable[[str, str, str], str]) -> str:
    """The measurements that made the score, and the alarms that the device raised itself."""
    return _joined(*(_finding(each, finding) for each in alert["explanation"]))


def _finding(each: Mapping[str, Any], finding: Callable[[str, str, str], str]) -> str:
    name, unit = each["name"], each["unit"] or ""
    if name in ALARM_NAMES or each["value"] is None:
        return finding(name, "", "")
    limit = "" if each["limit"] is None else _quantity(each["limit"], unit)
    return finding(name, _quantity(each["value"], unit), limit)


def _finding_ko(name: str, value: str, limit: str) -> str:
    return _name(name).ko + (value and f" {value}") + (limit and f"(기준 {limit})")


def _finding_en(name: str, value: str, limit: str) -> str:
    return _name(name).en + (value and f" {value}") + (limit and f" (limit {limit})")


def _name(name: str) -> Text:
    spelled = name.replace("_", " ")
    return MEASUREMENT_NAMES.get(name) or ALARM_NAMES.get(name) or Text(spelled, spelled)


def _quantity(value: float, unit: str) -> str:
    """`72.4 °C`: at most two decimals, none that are zero; absurdly large numbers stay short."""
    number = f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < LONG_NUMBER else f"{value:.3g}"
    return f"{number} {unit}".rstrip()


def _clock(iso: str) -> str:
    """`2025-10-09T09:00:00.959Z` as `2025-10-09 09:00:00 UTC`."""
    return f"{iso[:10]} {iso[11:19]} UTC"


def _plain(name: str) -> str:
    return UNSAFE.sub(" ", name)


def _sentence(start: str, text: str) -> str:
    return text and f"{start}{text}."


def _joined(*parts: str | None) -> str:
    return ", ".join(_present(*parts))


def _present(*parts: str | bool | None) -> Iterable[str]:
    return [part for part in parts if isinstance(part, str) and part]
