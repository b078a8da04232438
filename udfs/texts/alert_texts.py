"""The titles of alert types and the advice they give, in Korean and English."""

from __future__ import annotations

from contract.declared import CONTRACT
from contract.model import AlertType, Text

ALERT_TYPES = {each.name: each for each in CONTRACT.alert_types}
"""Name of an alert type → its declaration with its texts."""
GENERAL = ALERT_TYPES["GENERAL_RISK"]
INSPECT, CUT_OFF, WATCH, FIND_CAUSE = (CONTRACT.advice[name] for name in ("inspect", "cut_off", "watch", "find_cause"))


def texts_of(alert_type: str) -> AlertType:
    """Returns the texts of an alert type; those of `GENERAL_RISK` for a type that only a later version knows."""
    return ALERT_TYPES.get(alert_type, GENERAL)


def recommendations(transition: str | None, alert_type: str, level: str) -> list[Text]:
    """Returns the advice for an alert: inspect first and cut off last at CRITICAL, keep watching at MEDIUM."""
    if transition == "CLEARED":
        return [FIND_CAUSE]
    of_type = texts_of(alert_type).advice
    texts = {"CRITICAL": (INSPECT, *of_type, CUT_OFF), "MEDIUM": (*of_type, WATCH)}.get(level, of_type)
    return list(dict.fromkeys(texts))
