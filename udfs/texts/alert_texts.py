"""What each type of alert is called, and what to do about it, in Korean and English.

Recommendations follow the contract (semantics, "Alerts"): temperature → cool, ventilate, consider cut-off; arcs →
wiring and insulation; leakage → breaker and earthing; gas → ventilate, find the leak; CRITICAL → inspect on site now.
"""

from __future__ import annotations

from typing import NamedTuple

from udfs.texts.names import Text


class Kind(NamedTuple):
    """How an alert type is called, what to do about it, and how its beginning is put."""

    title: Text
    recommendations: tuple[Text, ...]
    opened: Text = Text("감지", "detected")


INSPECT = Text("지금 즉시 현장을 점검하십시오.", "Inspect on site now.")
CUT_OFF = Text("전원 차단을 검토하십시오.", "Consider cutting off the power.")
COOL = Text("즉시 냉각하고 환기 상태를 확인하십시오.", "Cool the equipment at once and check its ventilation.")
WATCH = Text("추이를 계속 지켜보십시오.", "Keep watching how it develops.")
FIND_CAUSE = Text("원인을 확인하고 조치 내용을 기록하십시오.", "Find the cause and record what was done.")

GENERAL = Kind(Text("복합 위험", "High fire risk"), (
    Text("장치와 연결된 회로를 점검하십시오.", "Check the device and the circuit it watches."),
))
KINDS = {
    "TEMPERATURE_CRITICAL": Kind(Text("고온", "High temperature"), (
        COOL,
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
    "CONTEXT_RISK": Kind(Text("위험 누적", "Risk building up"), (
        Text("최근 1시간의 온도와 아크 추이를 확인하십시오.", "Look at temperature and arcs of the past hour."),
        Text("배선 연결부와 부하를 점검하십시오.", "Check the wiring connections and the load."),
    )),
    "TEMPERATURE_RISE": Kind(Text("급격한 온도 상승", "Rapid temperature rise"), (
        Text("불꽃이나 연기가 있는지 확인하십시오.", "Look for flames or smoke."),
        COOL,
        CUT_OFF,
    )),
    "TEMPERATURE_ANOMALY": Kind(Text("비정상 온도", "Unusual temperature"), (
        COOL,
        CUT_OFF,
    )),
    "RISK_SPIKE": Kind(Text("위험도 급상승", "Sudden rise of risk"), (
        Text("직전에 바뀐 부하와 측정값을 확인하십시오.", "Check which load or measurement has just changed."),
        CUT_OFF,
    )),
    "CO_EXPOSURE": Kind(Text("일산화탄소(CO) 지속 노출", "Lasting exposure to carbon monoxide"), (
        Text("즉시 환기하고 사람을 대피시키십시오.", "Ventilate at once and bring people outside."),
        Text("연소 기기와 발생 지점을 확인하십시오.", "Check burning appliances and find the source."),
    )),
    "SITE_CLUSTER": Kind(Text("현장 내 여러 장치의 동시 위험", "Risk at several devices of one site"), (
        Text("현장 전체를 점검하고 위험이 번지는지 확인하십시오.", "Check the whole site and whether the hazard is spreading."),
        Text("대피와 주전원 차단을 준비하십시오.", "Prepare to evacuate and to cut off the main supply."),
    )),
    "ARC_MAINTENANCE": Kind(Text("잦은 아크 발생", "Frequent arcs"), (
        Text("배선 연결부와 절연 상태의 정비 일정을 잡으십시오.", "Schedule maintenance of wiring connections and insulation."),
    )),
    "COMMUNICATION_ERROR": Kind(Text("통신 오류", "Communication error"), (
        Text("장치의 통신선과 전원을 점검하십시오.", "Check the device's data line and power supply."),
    )),
    "DEVICE_SILENT": Kind(Text("장치 무응답", "Silent device"), (
        Text("장치의 전원과 네트워크 연결을 확인하십시오.", "Check the device's power supply and network connection."),
        Text("원인을 알 수 없으면 현장을 확인하십시오.", "Where the cause stays unknown, go and look."),
    )),
    "FIRE_PREDICTED": Kind(Text("화재 위험 예측", "Fire forecast"), (
        Text("불꽃이나 연기가 있는지 확인하십시오.", "Look for flames or smoke."),
        CUT_OFF,
    ), opened=Text("", "")),
}  # fmt: skip
"""Alert type → its texts; a type that is not here reads as `GENERAL_RISK`."""


def recommendations(transition: str | None, alert_type: str, level: str) -> list[Text]:
    """What to do: on site and at once where it is CRITICAL, and to keep watching where it is below HIGH."""
    if transition == "CLEARED":
        return [FIND_CAUSE]
    of_kind = KINDS.get(alert_type, GENERAL).recommendations
    texts = {"CRITICAL": (INSPECT, *of_kind, CUT_OFF), "MEDIUM": (*of_kind, WATCH)}.get(level, of_kind)
    return list(dict.fromkeys(texts))
