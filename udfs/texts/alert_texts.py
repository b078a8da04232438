"""What each type of alert is called, and what to do about it, in Korean and English."""

from __future__ import annotations

from contract.model import CONTRACT, AlertType, Text

KINDS = {each.name: each for each in CONTRACT.alert_types}
"""Alert type → its texts; a type that is not here reads as `GENERAL_RISK`."""
GENERAL = KINDS["GENERAL_RISK"]
INSPECT, CUT_OFF, WATCH, FIND_CAUSE = (CONTRACT.advice[name] for name in ("inspect", "cut_off", "watch", "find_cause"))


def texts_of(alert_type: str) -> AlertType:
    """What is said of a type of alert; of an unknown one, of a later version, what holds for any risk."""
    return KINDS.get(alert_type, GENERAL)


def recommendations(transition: str | None, alert_type: str, level: str) -> list[Text]:
    """What to do: on site and at once where it is CRITICAL, and to keep watching where it is below HIGH."""
    if transition == "CLEARED":
        return [FIND_CAUSE]
    of_type = texts_of(alert_type).advice
    texts = {"CRITICAL": (INSPECT, *of_type, CUT_OFF), "MEDIUM": (*of_type, WATCH)}.get(level, of_type)
    return list(dict.fromkeys(texts))
