"""What levels, alarm bits and measurements are called, in Korean and English."""

from __future__ import annotations

from typing import NamedTuple

from contract.model import CONTRACT, Text


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

MEASUREMENT_NAMES = {each.name: each.label for each in CONTRACT.measurements if each.label}
