"""What levels, alarm bits and measurements are called, in Korean and English."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """One meaning in both languages."""

    ko: str
    en: str


class AlarmBit(NamedTuple):
    """One bit of a device's status, with the names people read."""

    bit: int
    name: str
    text: Text


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
    "risk_score": Text("위험도", "risk"),
    "risk_modifier": Text("최근 1시간 위험 가중치", "weight of the past hour"),
    "temperature_rise": Text("1분간 온도 상승", "temperature rise within a minute"),
    "above_mean": Text("평균 대비 온도 상승", "temperature above the hour's mean"),
    "risk_change": Text("위험도 변화", "change of risk"),
    "avg_co_10min": Text("10분 평균 일산화탄소(CO)", "carbon monoxide, mean of 10 minutes"),
    "avg_co_60min": Text("60분 평균 일산화탄소(CO)", "carbon monoxide, mean of 60 minutes"),
    "total_arcs_10min": Text("10분간 아크 횟수", "arcs within 10 minutes"),
    "devices_high": Text("위험 장치 수", "devices at high risk"),
    "silence": Text("무응답 시간", "time without a message"),
}  # fmt: skip
