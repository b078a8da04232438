"""Composes the message of an alert in Korean and English: plain text without links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contract.model import Text
from udfs.readings.thresholds import CLUSTER_NAMES
from udfs.shown import plain
from udfs.texts.alert_texts import INSPECT, recommendations, texts_of
from udfs.texts.names import ALARM_NAMES, LEVEL_NAMES, MEASUREMENT_NAMES

LONG_NUMBER = 1e9
COUNTS = ("devices_high", "devices_silent")
"""Contributions that say how many devices an alert of a site concerns."""


def compose(alert: Mapping[str, Any], further: Iterable[str] = ()) -> dict[str, Any]:
    """Composes the texts of an alert.

    Args:
        alert: `transition`, `alert_type`, `level`, `subject`, `subject_kind`, `site_id`, `explanation`, `event_time`,
            `risk_score`, `opened_at`, `last_candidate_at`, `last_seen`, `device_names` and `was_held` of an alert row. Fields
            that are None are left out.
        further: the alert types of the other hazards of its reading, whose advice follows that of the alert.

    Returns:
        `message_ko`, `message_en`, `recommendations_ko` and `recommendations_en`.
    """
    advice = recommendations(alert["transition"], alert["alert_type"], alert["level"], further)
    message = {"CLEARED": _cleared, "REMINDED": _lasting, None: _lasting}.get(alert["transition"], _risen)(alert)
    return {
        "message_ko": message.ko, "message_en": message.en,
        "recommendations_ko": [text.ko for text in advice], "recommendations_en": [text.en for text in advice],
    }  # fmt: skip


def reason(each: Mapping[str, Any]) -> Text:
    """Formats a contribution of an `explanation` as `temperature 63.2 °C (limit 60 °C)`, or as the name of an alarm."""
    return Text(_finding(each, _finding_ko), _finding(each, _finding_en))


def quantity(value: float, unit: str) -> str:
    """Formats a value as `72.4 °C`, with at most two decimals and no trailing zeros; a huge number in scientific notation."""
    number = f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < LONG_NUMBER else f"{value:.3g}"
    return f"{number} {unit}".rstrip()


def _risen(alert: Mapping[str, Any]) -> Text:
    """Composes the message of an alert that opened or escalated."""
    is_worse = alert["transition"] == "ESCALATED"
    heading = Text("경보 단계 상향", "alert raised to a higher level") if is_worse else Text("감지", "detected")
    at, held = _clock(alert["event_time"]), _held(alert)
    return Text(_spaced(_heading(alert, heading).ko, _findings(alert).ko, held.ko, f"시각: {at}.", _urgent(alert).ko),
                _spaced(_heading(alert, heading).en, _findings(alert).en, held.en, f"Time: {at}.", _urgent(alert).en))


def _lasting(alert: Mapping[str, Any]) -> Text:
    """Composes the message of an alert that is still open."""
    heading = _heading(alert, Text("경보 지속", "alert still open"))
    since, last = _clock(alert["opened_at"]), _clock(alert["last_candidate_at"])
    return Text(
        _spaced(heading.ko, _findings(alert).ko, f"{since}부터 지속, 마지막 감지: {last}.", _urgent(alert).ko),
        _spaced(heading.en, _findings(alert).en, f"Open since {since}, last detected {last}.", _urgent(alert).en))


def _cleared(alert: Mapping[str, Any]) -> Text:
    title, subject, level = texts_of(alert["alert_type"]).title, _subject(alert), LEVEL_NAMES[alert["level"]]
    last, end = _clock(alert["last_candidate_at"]), _clock(alert["event_time"])
    reason = Text(f"{last} 이후 이상 징후가 없어 {end}에 해제되었습니다.", f"Nothing unusual since {last}; cleared at {end}.")
    if alert["alert_type"] == "DEVICE_SILENT":
        reason = Text(f"장치가 다시 응답하여 {end}에 해제되었습니다.", f"The device reports again; cleared at {end}.")
    if alert["alert_type"] == "SITE_SILENT":
        reason = Text(f"무응답이던 장치가 다시 응답하여 {end}에 해제되었습니다.",
                      f"A silent device reports again; cleared at {end}.")
    return Text(f"[해제] {title.ko} 경보 해제, {subject.ko}. {reason.ko} 최고 단계: {level.ko}.",
                f"[CLEARED] {title.en} alert has ended, {subject.en}. {reason.en} Highest level: {level.en}.")


def _heading(alert: Mapping[str, Any], heading: Text) -> Text:
    title, subject, level = texts_of(alert["alert_type"]).title, _subject(alert), LEVEL_NAMES[alert["level"]]
    return Text(f"[{level.ko}] {_spaced(title.ko, heading.ko)}, {subject.ko}.",
                f"[{level.en}] {_spaced(title.en, heading.en)}, {subject.en}.")


def _subject(alert: Mapping[str, Any]) -> Text:
    subject, site = _plain(alert["subject"]), alert["site_id"] and _plain(alert["site_id"])
    if alert["subject_kind"] == "SITE":
        return Text(f"현장 {subject}", f"site {subject}")
    return Text(_joined(f"장치 {subject}", site and f"현장 {site}"), _joined(f"device {subject}", site and f"site {site}"))


def _findings(alert: Mapping[str, Any]) -> Text:
    """Lists the measurements and alarms that made the score, when a silent device was last heard from, and the risk."""
    seen, risk = alert["last_seen"] and _clock(alert["last_seen"]), f"{alert['risk_score']:.2f}"
    return Text(
        _spaced(_sentence("측정: ", _measured(alert, _finding_ko)), _sentence("장치: ", _devices(alert).ko),
                _sentence("마지막 수신: ", seen or ""), f"위험도 {risk}."),
        _spaced(_sentence("Measured: ", _measured(alert, _finding_en)), _sentence("Devices: ", _devices(alert).en),
                _sentence("Last heard from: ", seen or ""), f"Risk {risk}."))


def _devices(alert: Mapping[str, Any]) -> Text:
    """Lists the devices of a site's alert, at most `CLUSTER_NAMES` of them, and the number of the others."""
    names = [_plain(name) for name in (alert.get("device_names") or "").split("\n")]
    counted = [each["value"] for each in alert["explanation"] if each["name"] in COUNTS]
    listed, more = ", ".join(names[:CLUSTER_NAMES]), int(max([len(names), *counted])) - len(names[:CLUSTER_NAMES])
    return Text(f"{listed} 외 {more}대", f"{listed} and {more} more") if listed and more else Text(listed, listed)


def _held(alert: Mapping[str, Any]) -> Text:
    """Says since when the alert is open if a maintenance window withheld it, else nothing."""
    if not alert["was_held"] or alert["opened_at"] == alert["event_time"]:
        return Text("", "")
    since = _clock(alert["opened_at"])
    return Text(f"정비 시간 동안 알림이 보류되었으며, {since}부터 지속 중입니다.",
                f"Held back during maintenance; open since {since}.")


def _urgent(alert: Mapping[str, Any]) -> Text:
    return INSPECT if alert["level"] == "CRITICAL" else Text("", "")


def _measured(alert: Mapping[str, Any], finding: Callable[[Text, str, str], str]) -> str:
    return _joined(*(_finding(each, finding) for each in alert["explanation"]))


def _finding(each: Mapping[str, Any], finding: Callable[[Text, str, str], str]) -> str:
    name, unit = each["name"], each["unit"] or ""
    if each["limit"] is None and name in ALARM_NAMES:
        return finding(ALARM_NAMES[name], "", "")
    if each["value"] is None:
        return finding(_name(name), "", "")
    limit = "" if each["limit"] is None else quantity(each["limit"], unit)
    return finding(_name(name), quantity(each["value"], unit), limit)


def _finding_ko(name: Text, value: str, limit: str) -> str:
    return name.ko + (value and f" {value}") + (limit and f"(기준 {limit})")


def _finding_en(name: Text, value: str, limit: str) -> str:
    return name.en + (value and f" {value}") + (limit and f" (limit {limit})")


def _name(name: str) -> Text:
    spelled = name.replace("_", " ")
    return MEASUREMENT_NAMES.get(name) or Text(spelled, spelled)


def _clock(iso: str) -> str:
    """Formats `2025-10-09T09:00:00.959Z` as `2025-10-09 09:00:00 UTC`."""
    return f"{iso[:10]} {iso[11:19]} UTC"


def _plain(name: str) -> str:
    """Returns the name of a device or site without what would break a line, turn it around or make it a link."""
    return plain(name).replace("://", " ")


def _sentence(start: str, text: str) -> str:
    return text and f"{start}{text}."


def _spaced(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _joined(*parts: str | None) -> str:
    return ", ".join(filter(None, parts))
