"""The titles of alert types and the advice they give, in Korean and English."""

from __future__ import annotations

from collections.abc import Iterable

from contract.declared import CONTRACT
from contract.model import AlertType, Text

ALERT_TYPES = {each.name: each for each in CONTRACT.alert_types}
"""Name of an alert type → its declaration with its texts."""
GENERAL = ALERT_TYPES["GENERAL_RISK"]
INSPECT, CUT_OFF, WATCH, FIND_CAUSE = (CONTRACT.advice[name] for name in ("inspect", "cut_off", "watch", "find_cause"))


def texts_of(alert_type: str) -> AlertType:
    """Returns the texts of an alert type; those of `GENERAL_RISK` for a type that only a later version knows."""
    return ALERT_TYPES.get(alert_type, GENERAL)


def recommendations(transition: str | None, alert_type: str, level: str, further: Iterable[str] = ()) -> list[Text]:
    """Returns the advice for an alert, then that for the `further` hazards, without repetitions.

    At CRITICAL, to inspect comes first and to cut off the power last; at MEDIUM, to keep watching comes last.
    """
    if transition == "CLEARED":
        return [FIND_CAUSE]
    of_hazards = [text for each in (alert_type, *further) for text in texts_of(each).advice]
    if level == "CRITICAL":
        of_hazards = [INSPECT, *(text for text in of_hazards if text != CUT_OFF), CUT_OFF]
    return list(dict.fromkeys([*of_hazards, WATCH] if level == "MEDIUM" else of_hazards))
