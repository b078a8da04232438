"""Invariants of every row that the detect job writes, checked for the vectors' stream and all golden cases."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contract.crossing import worst_columns
from contract.declared import CONTRACT
from contract.model import Result
from contract.render_json_schema import schema
from jobs.detect import RESULTS
from tests.conftest import Rows, epoch_ms
from tests.jobs.test_views import CASES
from tests.support.reference import level

WINDOWS = {"device_minutes": ("minute_start", "minute_end", 1, 1), "device_5min_aggregates": ("window_start", "window_end", 5, 5),
           "arc_patterns": ("window_start", "window_end", 10, 1), "device_correlations": ("window_start", "window_end", 2, 1),
           "site_risk": ("window_start", "window_end", 2, 1), "device_patterns": ("window_start", "window_end", 60, 5)}
"""Result → names of start and end, length and step in minutes."""
SCORES = {"readings": "risk_score", "device_minutes": "risk_score", "site_risk": "site_risk"}
OF_MINUTES = {"device_minutes": 1, "risk_spikes": 1, "temperature_anomalies": 1, "co_exposure": 10, "arc_patterns": 10}
"""Cause of a candidate that is about minutes → how many of them its worst reading can be from."""
RISKS = ("risk_score", "base_risk", "floor_risk", "rule_risk", "status_risk", "pattern_risk", "indicator_risk",
         "max_risk_score", "avg_risk_score", "max_base_risk", "max_floor_risk", "avg_indicator_risk", "previous_risk_score",
         "risk_diff", "avg_risk", "mean_risk", "max_risk", "site_risk", "confidence", "temperature_score")
KEYS = {"dead_letters": (), "candidates": (), "readings": ("device_id", "idx", "event_time"),
        "device_correlations": ("window_end", "device1", "device2"), "site_risk": ("window_end", "site_id"),
        "lasting_hazards": ("device_id", "minute_end", "alert_type")}
Results = dict[str, Rows]


@pytest.fixture(params=["replayed", "cases"])
def results(request: pytest.FixtureRequest) -> Results:
    """Returns every result of one run."""
    found: Results = request.getfixturevalue(request.param)
    return found


def time(row: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(row[name])


def minutes_of(results: Results) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["device_id"], row["minute_end"]): row for row in results["device_minutes"]}


def candidates(results: Results, cause: str, kind: str = "CANDIDATE") -> Rows:
    return [row for row in results["candidates"] if row["cause"] == cause and row["kind"] == kind]


def test_every_view_has_rows_to_check(cases: Results) -> None:
    assert all(cases[result] for result in RESULTS)


@pytest.mark.parametrize("result", CONTRACT.results, ids=lambda result: str(result.name))
def test_every_row_satisfies_the_published_schema_of_its_topic(result: Result, replayed: Results, cases: Results) -> None:
    validator = Draft202012Validator(schema(result))
    rows = [*replayed[result.name], *cases.get(result.name, [])]
    errors = [error for row in rows for error in validator.iter_errors(row)]
    assert rows and [(error.json_path, error.message) for error in errors] == []


@pytest.mark.parametrize("result", SCORES)
def test_level_matches_its_score(result: str, results: Results) -> None:
    assert all(row["risk_level"] == level(row[SCORES[result]]) for row in results[result])


def test_risks_are_between_0_and_1(results: Results) -> None:
    for result in RESULTS:
        for row in results[result]:
            assert all(0 <= row[name] <= 1 for name in RISKS if row.get(name) is not None), (result, row)


def test_numbers_are_finite(results: Results) -> None:
    for result in RESULTS:
        assert all(math.isfinite(value) for row in results[result] for value in row.values() if isinstance(value, float))


@pytest.mark.parametrize("result", WINDOWS)
def test_window_has_its_length_and_ends_on_its_step(result: str, results: Results) -> None:
    start, end, length, step = WINDOWS[result]
    for row in results[result]:
        assert time(row, end) - time(row, start) == timedelta(minutes=length)
        assert time(row, end).timestamp() % (60 * step) == 0


def test_rise_spans_a_minute_and_ends_on_ten_seconds(results: Results) -> None:
    for row in results["temperature_rises"]:
        assert time(row, "window_end") - time(row, "window_start") == timedelta(minutes=1)
        assert time(row, "window_end").timestamp() % 10 == 0
        assert row["temperature_rise"] == round(row["max_temperature"] - row["min_temperature"], 6) >= 8.3


def test_early_heat_spans_a_minute_ends_on_five_seconds_and_exceeds_the_noise(results: Results) -> None:
    for row in results["early_heat"]:
        assert time(row, "window_end") - time(row, "window_start") == timedelta(minutes=1)
        assert time(row, "window_end").timestamp() % 5 == 0
        assert row["temperature_rise"] >= 3
        assert row["temperature_rise"] >= round(6 * row["noise"], 6)


@pytest.mark.parametrize("result", sorted(RESULTS))
def test_no_row_is_written_twice(result: str, results: Results) -> None:
    rows = results[result]
    end = "minute_end" if rows and "minute_end" in rows[0] else "window_end"
    names = KEYS.get(result, ("device_id", end))
    counts = Counter(tuple(str(row[name]) for name in names or sorted(row)) for row in rows)
    assert all(count == 1 for count in counts.values())


def test_every_row_has_its_schema_version(results: Results) -> None:
    assert all(row["schema_version"] == 1 for result in RESULTS for row in results[result])


def test_minutes_count_exactly_the_readings_that_are_not_late(results: Results) -> None:
    on_time = Counter((row["device_id"], row["event_time"][:16]) for row in results["readings"] if not row["is_late"])
    counted = {(row["device_id"], row["minute_start"][:16]): row["record_count"] for row in results["device_minutes"]}
    assert counted == on_time


def test_five_minute_aggregates_add_up_their_minutes(results: Results) -> None:
    whole, parts = Counter[str](), Counter[str]()
    for rows, sums in ((results["device_5min_aggregates"], whole), (results["device_minutes"], parts)):
        for row in rows:
            sums[row["device_id"]] += row["record_count"]
    assert whole == parts


def test_extremes_enclose_the_mean(results: Results) -> None:
    for row in results["device_minutes"] + results["device_5min_aggregates"]:
        if row["avg_temperature"] is not None:
            assert row["min_temperature"] - 1e-9 <= row["avg_temperature"] <= row["max_temperature"] + 1e-9


def test_minute_follows_from_its_readings_and_its_modifier(results: Results) -> None:
    for row in results["device_minutes"]:
        raised = min(1, row["max_base_risk"] * row["risk_modifier"])
        assert row["risk_score"] == pytest.approx(max(raised, row["max_floor_risk"]), abs=1e-6)
        assert 1 <= row["risk_modifier"] <= 1.6
        assert row["candidate_count"] <= row["record_count"] >= max(row["temperature_count"], row["co_count"], row["arc_events"])


def test_spike_is_the_difference_between_two_existing_minutes(results: Results) -> None:
    minutes = minutes_of(results)
    for row in results["risk_spikes"]:
        assert row["risk_change"] == pytest.approx(row["risk_score"] - row["previous_risk_score"], abs=1e-6)
        assert row["risk_change"] > 0.3
        assert minutes[row["device_id"], row["minute_end"]]["risk_score"] == row["risk_score"]


def test_anomaly_is_the_highest_temperature_of_its_minute_and_exceeds_both_thresholds(results: Results) -> None:
    minutes = minutes_of(results)
    for row in results["temperature_anomalies"]:
        assert row["temperature"] > max(50, row["mean"] + 2 * row["stddev"])
        assert minutes[row["device_id"], row["minute_end"]]["max_temperature"] == row["temperature"]


def test_exposure_has_enough_minutes_at_its_mean(results: Results) -> None:
    for row in results["co_exposure"]:
        assert row["minutes_10min"] <= min(10, row["minutes_60min"]) and row["minutes_60min"] <= 60
        short, long = row["avg_co_10min"] or 0, row["avg_co_60min"] or 0
        assert (short >= 100 and row["minutes_10min"] >= 9) or (long >= 50 and row["minutes_60min"] >= 54)


def test_arc_pattern_matches_its_total(results: Results) -> None:
    for row in results["arc_patterns"]:
        total = row["total_arcs_10min"]
        assert row["arc_pattern"] == ("HIGH_FREQUENCY" if total > 10 else "MODERATE" if total > 5 else "LOW")
        assert row["avg_arc_per_event"] == pytest.approx(total / row["arc_events"])
        assert 0 < row["max_single_arc"] <= total


def test_pair_is_ordered_belongs_to_one_site_and_has_the_right_type(results: Results) -> None:
    site_of = {row["device_id"]: row["site_id"] for row in results["readings"]}
    for row in results["device_correlations"]:
        assert row["device1"] < row["device2"]
        assert site_of[row["device1"]] == site_of[row["device2"]] == row["site_id"]
        higher, lower = row["avg_risk"] + row["risk_diff"] / 2, row["avg_risk"] - row["risk_diff"] / 2
        assert higher > 0.5
        apart = row["temp_diff"] is not None and row["temp_diff"] > 20
        kind = "HIGH_RISK_CLUSTER" if round(lower, 6) > 0.7 else "TEMP_DIVERGENCE" if apart else "NORMAL"
        assert row["correlation_type"] == kind


def test_pairs_of_a_site_stay_bounded(results: Results) -> None:
    assert max(Counter((row["site_id"], row["window_end"]) for row in results["device_correlations"]).values()) <= 50 * 50


def test_site_follows_from_its_devices(results: Results) -> None:
    for row in results["site_risk"]:
        share = min(1, 0.5 + 0.25 * row["devices_high"])
        assert row["site_risk"] == pytest.approx(max(row["mean_risk"], row["max_risk"] * share), abs=1e-6)
        assert row["devices_high"] <= row["devices"] and row["mean_risk"] <= row["max_risk"] + 1e-9
        assert (row["devices_high"] > 0) == (row["max_risk"] >= 0.6)


def test_pattern_has_ten_to_sixty_minutes_and_a_trend_that_follows_from_its_slope(results: Results) -> None:
    for row in results["device_patterns"]:
        slope = row["temperature_slope"] or 0
        assert 10 <= row["minutes"] <= 60
        assert row["trend"] == ("RISING" if slope > 0.1 else "FALLING" if slope < -0.1 else "STABLE")
        assert row["periodicity_minutes"] is None or 2 <= row["periodicity_minutes"] <= row["minutes"]
        assert row["risk_volatility"] <= 0.5


def test_every_hazardous_reading_has_a_candidate_in_its_minute(results: Results) -> None:
    def place(row: dict[str, Any], device: str, grade: str) -> tuple[str, ...]:
        return row[device], row["alert_type"], row[grade], row["event_time"][:16]

    sent = Counter(place(row, "subject", "level") for row in candidates(results, "readings") if row["idx"] is not None)
    due = {place(row, "device_id", "risk_level") for row in results["readings"] if row["risk_level"] in ("HIGH", "CRITICAL")}
    assert sent.keys() == due
    assert set(sent.values()) == {1}


@pytest.mark.parametrize(("cause", "condition", "end"), [
    ("temperature_rises", lambda row: True, "window_end"), ("early_heat", lambda row: True, "window_end"),
    ("co_exposure", lambda row: True, "minute_end"),
    ("temperature_anomalies", lambda row: row["temperature"] > 65, "minute_end"),
    ("risk_spikes", lambda row: row["risk_change"] > 0.5, "minute_end")])
def test_every_window_that_meets_the_condition_has_its_candidate(cause: str, condition: Any, end: str, results: Results) -> None:
    due = Counter((row["device_id"], row[end]) for row in results[cause] if condition(row))
    assert Counter((row["subject"], row["event_time"]) for row in candidates(results, cause)) == due


@pytest.mark.parametrize("cause", ["temperature_rises", "early_heat"])
def test_minute_of_every_rise_is_watched_so_that_its_alert_can_clear(cause: str, results: Results) -> None:
    watched = {(row["subject"], epoch_ms(row["event_time"])) for row in results["candidates"] if row["kind"] == "MINUTE"}
    for row in candidates(results, cause):
        assert (row["subject"], -(-epoch_ms(row["event_time"]) // 60_000) * 60_000) in watched


@pytest.mark.parametrize(("kind", "condition"), [
    ("CONTEXT_RISK", lambda row: row["risk_score"] >= 0.6 > row["max_risk_score"]),
    ("COMMUNICATION_ERROR", lambda row: row["communication_errors"] > 0)])
def test_every_minute_that_meets_the_condition_has_its_candidate(kind: str, condition: Any, results: Results) -> None:
    due = Counter((row["device_id"], row["minute_end"]) for row in results["device_minutes"] if condition(row))
    assert Counter((row["subject"], row["event_time"]) for row in results["candidates"] if row["alert_type"] == kind) == due


def test_site_with_two_hazardous_devices_has_its_candidate(results: Results) -> None:
    clustered = {(row["site_id"], row["window_end"]) for row in results["device_correlations"]
                 if row["correlation_type"] == "HIGH_RISK_CLUSTER"}
    due = {(row["site_id"], row["window_end"]) for row in results["site_risk"]
           if row["site_risk"] >= 0.6 and row["devices_high"] >= 2} | clustered
    sent = Counter((row["subject"], row["event_time"]) for row in candidates(results, "site_risk"))
    assert sent.keys() == due
    assert set(sent.values()) == {1}


def test_frequent_arcs_raise_one_candidate_per_minute_with_readings(results: Results) -> None:
    patterns = {(row["device_id"], row["window_end"]) for row in results["arc_patterns"]
                if row["arc_pattern"] == "HIGH_FREQUENCY"}
    sent = Counter((row["subject"], row["event_time"]) for row in candidates(results, "arc_patterns"))
    assert sent == Counter(patterns & minutes_of(results).keys())


def test_candidate_has_level_type_and_cause_and_a_minute_has_none(results: Results) -> None:
    for row in results["candidates"]:
        known = [row["level"] in ("MEDIUM", "HIGH", "CRITICAL"), row["alert_type"] is not None, row["cause"] is not None]
        speaks_of_one = row["kind"] == "MINUTE" and row["alert_type"] == "SITE_SILENT"
        assert all(known) if row["kind"] == "CANDIDATE" else known == [False, speaks_of_one, False]
        assert row["subject_kind"] in ("DEVICE", "SITE")


def test_candidate_of_a_window_has_the_worst_reading_of_its_minutes(results: Results) -> None:
    notable: dict[tuple[str, str], Rows] = {}
    for row in results["readings"]:
        if not row["is_late"] and (row["risk_score"] > 0 or not row["is_valid"] or row["communication_error"]):
            notable.setdefault((row["device_id"], row["event_time"][:16]), []).append(row)
    seen = 0
    for candidate in results["candidates"]:
        if candidate["cause"] in OF_MINUTES:
            minutes = [(time(candidate, "event_time") - timedelta(minutes=back)).isoformat()[:16]
                       for back in range(1, OF_MINUTES[candidate["cause"]] + 1)]
            assert_holds(candidate["worst_reading"], [row for minute in minutes
                                                      for row in notable.get((candidate["subject"], minute), [])])
            seen += 1
    assert seen


def assert_holds(text: str | None, readings: Rows) -> None:
    """Checks that the text has the worst of the readings; None if there is none."""
    assert (text is None) == (not readings)
    if text is not None:
        worst = max(readings, key=lambda row: (row["risk_score"], -math.inf if row["max_temperature"] is None
                                               else row["max_temperature"], row["event_time"], row["idx"]))
        held = json.loads(text)
        assert {name: held.get(name) for name in worst_columns(CONTRACT) if name in worst} == {
            name: worst[name] for name in worst_columns(CONTRACT) if name in worst}


def test_late_cases_have_one_late_reading_each_and_others_none(cases: Results) -> None:
    late = Counter(row["device_id"].rpartition("/")[0] for row in cases["readings"] if row["is_late"])
    assert late == Counter(case.name for case in CASES if case.name.endswith("/late"))
