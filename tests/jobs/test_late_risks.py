"""A reading of a high risk that comes too late for windows raises an alert, which the minutes that follow it clear."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import Rows, message

QUIET, LATE, MINUTES = 20, 15, 30
"""Minutes after which a hot reading arrives at a device that is no longer watched, the minute when it was measured, and all."""


def test_alert_of_a_late_reading_is_cleared_by_five_quiet_minutes_of_its_device(replay: Callable[..., dict[str, Rows]]) -> None:
    sent: list[bytes] = []
    for step in range(6 * MINUTES):
        sent += [message("other", idx=step, at=10 * step), message("quiet", idx=step, at=10 * step)]
        if step == 6 * QUIET:
            sent.append(message("quiet", idx=9_999, at=60 * LATE + 5, pcbTemp=72.0))
    results = replay(sent)
    assert [row["is_late"] for row in results["readings"] if row["idx"] == 9_999] == [True]
    told = [(row["transition"], row["alert_type"]) for row in results["alerts"] if row["subject"] == "quiet"]
    assert told == [("OPENED", "TEMPERATURE_CRITICAL"), ("CLEARED", "TEMPERATURE_CRITICAL")]
