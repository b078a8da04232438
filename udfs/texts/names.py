"""The names of levels, alarm bits and measurements for people, in Korean and English."""

from __future__ import annotations

from contract.declared import CONTRACT

ALARM_BITS = CONTRACT.alarm_bits
COMMUNICATION_ERROR = CONTRACT.communication_error
"""The alarm that any status from its bit on means."""
ALARM_NAMES = {alarm.name: alarm.text for alarm in (*ALARM_BITS, COMMUNICATION_ERROR)}
LEVEL_NAMES = CONTRACT.level_names
MEASUREMENT_NAMES = {each.name: each.label for each in CONTRACT.measurements if each.label}
