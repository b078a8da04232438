"""What each type of alert is called, and what to do about it, in Korean and English.

Recommendations follow the contract (semantics, "Alerts"): temperature → cool, ventilate, consider cut-off; arcs →
wiring and insulation; leakage → breaker and earthing; gas → ventilate, find the leak; CRITICAL → inspect on site now.
"""

from __future__ import annotations

from contract.model import CONTRACT, Text

INSPECT, CUT_OFF, WATCH, FIND_CAUSE = (CONTRACT.advice[name] for name in ("inspect", "cut_off", "watch", "find_cause"))
KINDS = {each.name: each for each in CONTRACT.alert_types}
"""Alert type → its texts; a type that is not here reads as `GENERAL`."""
GENERAL = KINDS["GENERAL_RISK"]


def recommendations(transition: str | None, alert_type: str, level: str) -> list[Text]:
    """What to do: on site and at once where it is CRITICAL, and to keep watching where it is below HIGH."""
    if transition == "CLEARED":
        return [FIND_CAUSE]
    of_kind = KINDS.get(alert_type, GENERAL).advice
    texts = {"CRITICAL": (INSPECT, *of_kind, CUT_OFF), "MEDIUM": (*of_kind, WATCH)}.get(level, of_kind)
    return list(dict.fromkeys(texts))
