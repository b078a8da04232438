"""The devices' metrics in Amazon CloudWatch: their namespace and names."""

from __future__ import annotations

NAMESPACE = "FirePrediction/Devices"
METRICS = {
    "DeviceRiskScore": "risk_score",
    "DeviceTemperature": "max_temperature",
    "DeviceCurrent": "current",
    "DeviceVoltage": "voltage",
    "DeviceArcCount": "arc_count",
    "DeviceCOGas": "co_gas",
    "DeviceVOC": "voc",
    "DeviceAlarmCount": "total_alarm_count",
}
"""CloudWatch's metric → field of a reading."""
