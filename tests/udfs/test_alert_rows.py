"""Rows of alerts: updates between transitions, explanations, and the schemas that both satisfy."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from core.installation import ROOT
from tests.udfs.test_lifecycle import HEAT, Row, context, minute, outputs, reading, silence, time, transitions, window
from udfs.alerts.candidates import CANDIDATE_LEVELS
from udfs.texts.alert_texts import ALERT_TYPES

SCHEMAS = ROOT / "infra" / "schemas"
SITE = {"subject_kind": "SITE", "subject": "site-1"}


def schema(topic: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8"))
    return loaded


def sentences(*rows: Row) -> list[str]:
    return [each["text"] for each in transitions(rows)[-1]["explanation"]]


def test_minute_causes_an_update_with_what_changed_since_the_last_row() -> None:
    rows = outputs([reading(5), minute(0), reading(65), reading(70, risk_score=0.7), minute(1), minute(2)])
    assert [(row["transition"], row["event_time"]) for row in rows] == [("OPENED", time(5)), (None, time(120))]
    opened, update = rows
    assert (update["candidate_count"], update["last_candidate_at"], update["peak_risk_score"]) == (3, time(70), 0.7)
    assert update["alert_id"] == opened["alert_id"]
    assert list(update) == list(opened)


def test_transition_in_the_same_minute_replaces_the_update() -> None:
    rows = outputs([reading(5), reading(899), minute(14), minute(15)])
    assert [(row["transition"], row["event_time"]) for row in rows] == [
        ("OPENED", time(5)), (None, time(900)), ("REMINDED", time(905))]  # fmt: skip


def test_repeated_minute_causes_no_update() -> None:
    assert len(outputs([reading(5), minute(0), reading(65), minute(0), minute(0)])) == 1
    rows = [row for number in range(12) for row in (minute(number), reading(60 * number + 61))]
    assert outputs([*rows, minute(0)]) == outputs(rows)


@pytest.mark.parametrize(("row", "expected"), [
    (reading(5, sensor_temperature=72.0, level="CRITICAL"), "sensor_temperature 72.0 °C > 65 °C: floor 0.8"),
    (reading(5, status_bits=64, pcb_temperature=None, max_temperature=None), "pcb_temp_alarm: floor 0.6"),
    (window(1, "TEMPERATURE_RISE", "temperature_rises", temperature_rise=10.0),
     "temperature_rise 10.0 °C ≥ 8.3 °C: temperature_rises 0.6"),
    (window(1, "EARLY_HEAT", "early_heat", "MEDIUM", temperature_rise=3.2), "temperature_rise 3.2 °C ≥ 3 °C: early_heat 0.4"),
    (window(1, "RISK_SPIKE", "risk_spikes", "CRITICAL", risk_change=0.62, previous_risk_score=0.2),
     "risk_change 0.62 > 0.5: risk_spikes 0.8"),
    (window(1, "RISK_SPIKE", "risk_spikes", risk_change=0.42), "risk_change 0.42 > 0.3: risk_spikes 0.6"),
    (window(1, "CO_EXPOSURE", "co_exposure", avg_co_10min=120.0, avg_co_60min=30.0),
     "avg_co_10min 120.0 ppm ≥ 100 ppm: co_exposure 0.6"),
    (window(1, "CO_EXPOSURE", "co_exposure", avg_co_10min=90.0, avg_co_60min=50.0),
     "avg_co_60min 50.0 ppm ≥ 50 ppm: co_exposure 0.6"),
    (window(1, "SITE_CLUSTER", "site_risk", devices=4, devices_high=3, **SITE), "devices_high 3 of 4 ≥ 2: site_risk 0.6"),
    (window(1, "SITE_CLUSTER", "device_correlations", **SITE), "risk_score 0.6 ≥ 0.6: device_correlations 0.6"),
    (window(1, "ARC_MAINTENANCE", "arc_patterns", "MEDIUM", total_arcs_10min=12), "total_arcs_10min 12 > 10: arc_patterns 0.4"),
    (window(1, "OVERCURRENT", "lasting_hazards", avg_current=150.0, avg_current_60min=120.0),
     "avg_current 150.0 A > 145 A: lasting_hazards 0.6"),
    (window(1, "OVERCURRENT", "lasting_hazards", "MEDIUM", avg_current=20.0, avg_current_60min=18.5, rated_current=16.0),
     "avg_current_60min 18.5 A > 18.08 A: lasting_hazards 0.4"),
    (window(1, "POWER_OUTAGE", "lasting_hazards", "MEDIUM", status_bits=2), "power_outage: floor 0.4"),
    (window(1, "SENSOR_FAULT", "lasting_hazards", "MEDIUM", sensor_fault="sensor_temperature -127"),
     "sensor_temperature -127.0 °C < -10 °C: lasting_hazards 0.4"),
    (window(1, "SENSOR_FAULT", "lasting_hazards", "MEDIUM", sensor_fault="co_gas 9999"),
     "co_gas 9999.0 ppm ≥ 9999 ppm: lasting_hazards 0.4"),
    (context(1), "risk_modifier 1.5 > 1: device_minutes 0.6"),
    (window(5, "DEVICE_CLOCK", "clock_minutes", "MEDIUM", min_clock_offset=420.3),
     "clock_behind 420.3 s > 30 s: clock_minutes 0.4"),
    (window(5, "DEVICE_CLOCK", "clock_minutes", "MEDIUM", min_clock_offset=-900.0),
     "clock_ahead 900.0 s > 30 s: clock_minutes 0.4"),
    (silence(5), "silence 5 min ≥ 5 min: silences 0.4"),
    (window(1, "OF_A_LATER_VERSION", "later_windows", risk_score=0.71), "risk_score 0.71 ≥ 0.6: later_windows 0.71"),
    (reading(5, "COMMUNICATION_ERROR", "MEDIUM", status_bits=4096, pcb_temperature=None, max_temperature=None, risk_score=0.24),
     "communication_error: status 0.24"),
])  # fmt: skip
def test_explanation_begins_with_the_measure_that_caused_the_alert(row: Row, expected: str) -> None:
    assert sentences(row)[0] == expected


def test_anomaly_is_explained_by_the_limit_and_by_the_hours_mean() -> None:
    row = window(1, "TEMPERATURE_ANOMALY", "temperature_anomalies", "CRITICAL", max_temperature=70.0, mean=40.0, stddev=6.0)
    assert sentences(row) == ["max_temperature 70.0 °C > 65 °C: temperature_anomalies 0.8",
                              "above_mean 30.0 °C > 12 °C: temperature_anomalies 0.8"]


def test_escalation_is_explained_by_the_candidate_that_raised_the_level() -> None:
    first = window(1, "RISK_SPIKE", "risk_spikes", risk_change=0.42)
    assert sentences(first, window(2, "RISK_SPIKE", "risk_spikes", "CRITICAL", risk_change=0.6)) == [
        "risk_change 0.6 > 0.5: risk_spikes 0.8"]  # fmt: skip


def test_high_temperature_is_not_explained_by_gas_first_and_no_hazard_is_left_out() -> None:
    [opened] = transitions([reading(5, sensor_temperature=62.0, pcb_temperature=None, co_gas=250.0, leakage_current=12.0,
                                    voltage=299.0, arc_count=1)])
    assert [each["name"] for each in opened["explanation"]] == ["sensor_temperature", "voltage", "leakage_current", "co_gas",
                                                                "arc_count"]
    assert opened["recommendations_en"] == [
        "Cool the equipment at once and check its ventilation.", "Consider cutting off the power.",
        "Check the neutral conductor.", "Disconnect sensitive equipment until the voltage is normal.",
        "Check that the residual current breaker works.", "Check the earthing.", "Ventilate at once.",
        "Find the leak.", "Check the wiring connections.", "Check the insulation."]


def test_window_is_explained_by_its_measure_then_by_the_measurements_of_its_kind() -> None:
    measured = {"sensor_temperature": 80.0, "leakage_current": 400.0, "co_gas": 350.0, "avg_co_10min": 120.0}
    [opened] = transitions([window(1, "CO_EXPOSURE", "co_exposure", **measured)])
    assert [each["name"] for each in opened["explanation"]] == ["avg_co_10min", "co_gas", "leakage_current", "sensor_temperature"]
    assert "Ventilate at once." not in opened["recommendations_en"]


@pytest.mark.parametrize("kind", ALERT_TYPES)
@pytest.mark.parametrize("level", CANDIDATE_LEVELS)
def test_rows_satisfy_their_schemas(kind: str, level: str) -> None:
    scores = dict.fromkeys(("base_risk", "floor_risk", "rule_risk", "status_risk", "pattern_risk", "indicator_risk"), 0.3)
    of_reading = reading(5, kind, "HIGH", confidence=0.9, profile_version="2", **scores)
    for candidate in (of_reading, window(1, kind, "risk_spikes", level, risk_change=0.6), silence(5), minute(1)):
        jsonschema.validate(candidate, schema("candidates"))
        for row in transitions([candidate]):
            jsonschema.validate(row, schema("alerts"))


def test_schemas_list_every_alert_type_and_field() -> None:
    assert schema("alerts")["properties"]["alert_type"]["enum"] == list(ALERT_TYPES)
    assert schema("candidates")["properties"]["alert_type"]["enum"] == [*ALERT_TYPES, None]
    assert set(schema("alerts")["properties"]) == set(transitions([reading(5, HEAT)])[0])
    assert set(schema("candidates")["properties"]) == set(reading(5))
