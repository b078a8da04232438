"""Tests the actions of people on the dashboard: acknowledging, resolving, correcting, and the audit trail."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from services.dashboard.problems import UnusableError
from services.dashboard.views import corrections
from tests.conftest import message
from tests.services.dashboard.test_api import check, problem
from tests.support.dashboards import Dashboard, fleet

__all__ = ["fleet"]
JOB = """
    INSERT INTO alerts (alert_id, state, level, schema_version, subject, site_id, alert_type, risk_score, candidate_count,
                        event_time, opened_at)
    VALUES (%(alert)s, %(state)s, 'CRITICAL', 1, 'dev-00003', 'site-0', 'TEMPERATURE_CRITICAL', 0.9, 42, %(at)s, %(at)s)
    ON CONFLICT (alert_id) DO UPDATE SET state = EXCLUDED.state, level = EXCLUDED.level, risk_score = EXCLUDED.risk_score,
        candidate_count = EXCLUDED.candidate_count, event_time = EXCLUDED.event_time, opened_at = EXCLUDED.opened_at"""
"""The store job's upsert, which names only the job's columns and none of those that people's actions set."""


def upsert(fleet: Dashboard, alert: str, state: str, at: str) -> None:
    with fleet.connect() as connection:
        connection.execute(JOB.encode(), {"alert": alert, "state": state, "at": at})


def trail(fleet: Dashboard, subject: str) -> list[Any]:
    with fleet.connect() as connection:
        return connection.execute("""SELECT actor, action, details->>'resolution', details->>'note', details->'alert'->>'level'
                                     FROM dashboard_actions WHERE subject = %s ORDER BY sequence""", [subject]).fetchall()


def test_an_acknowledgement_survives_the_jobs_next_update_of_the_row(fleet: Dashboard) -> None:
    answer = fleet.post("/api/alerts/alert-00003/acknowledge", {})
    check(answer.get_json(), "Alert")
    upsert(fleet, "alert-00003", "ESCALATED", "2026-03-02T12:00:10Z")
    upsert(fleet, "alert-00003", "UPDATED", "2026-03-02T12:00:20Z")
    alert = fleet.get("/api/alerts/alert-00003")
    assert (alert["state"], alert["level"], alert["candidate_count"]) == ("ESCALATED", "CRITICAL", 42)
    assert (alert["acknowledged_by"], alert["acknowledged_at"]) == ("local", "2026-03-02T12:00:30.000Z")
    assert alert["actions"] == [{"acted_at": "2026-03-02T12:00:30.000Z", "actor": "local", "action": "ACKNOWLEDGED",
                                 "resolution": None, "note": None}]


def test_the_first_acknowledgement_is_kept_and_both_are_in_the_trail(fleet: Dashboard) -> None:
    with fleet.connect() as connection:
        connection.execute("UPDATE alerts SET acknowledged_at = '2026-03-02T11:59:00Z', acknowledged_by = 'kim' "
                           "WHERE alert_id = 'alert-00004'")
    alert = fleet.post("/api/alerts/alert-00004/acknowledge", {}).get_json()
    assert (alert["acknowledged_by"], alert["acknowledged_at"]) == ("kim", "2026-03-02T11:59:00.000Z")
    assert trail(fleet, "alert-00004") == [("local", "ACKNOWLEDGED", None, None, "HIGH")]


def test_a_resolution_closes_the_alert_and_is_recorded_with_its_note_and_the_alert(fleet: Dashboard) -> None:
    alert = fleet.post("/api/alerts/alert-00005/resolve", {"resolution": "false_alarm", "note": " 먼지, 청소함 "}).get_json()
    assert (alert["resolution"], alert["note"], alert["resolved_by"], alert["acknowledged_by"]) == (
        "false_alarm", "먼지, 청소함", "local", "local")
    assert "alert-00005" not in [each["alert_id"] for each in fleet.get("/api/alerts?state=open")["items"]]
    assert "alert-00005" in [each["alert_id"] for each in fleet.get("/api/alerts?state=resolved")["items"]]
    assert trail(fleet, "alert-00005") == [("local", "RESOLVED", "false_alarm", "먼지, 청소함", "CRITICAL")]


def test_an_alert_with_an_event_after_its_resolution_is_open_again(fleet: Dashboard) -> None:
    fleet.post("/api/alerts/alert-00006/resolve", {"resolution": "maintenance"})
    upsert(fleet, "alert-00006", "REMINDED", "2026-03-02T12:15:00Z")
    alert = fleet.get("/api/alerts/alert-00006")
    assert alert["is_open"] and alert["resolution"] == "maintenance"
    assert "alert-00006" in [each["alert_id"] for each in fleet.get("/api/alerts?state=open")["items"]]


@pytest.mark.parametrize(("body", "reason"), [
    ({"resolution": "fine"}, "confirmed_hazard"), ({}, "resolution"), ({"resolution": "maintenance", "note": 7}, "note"),
    ({"resolution": "maintenance", "note": "x" * 2001}, "2000"), ({"resolution": "maintenance", "by": "me"}, "by"),
    ([], "object"),
])
def test_an_unusable_resolution_is_refused_and_changes_nothing(fleet: Dashboard, body: Any, reason: str) -> None:
    assert reason in problem(fleet.post("/api/alerts/alert-00007/resolve", body), 422)
    assert fleet.get("/api/alerts/alert-00007")["resolution"] is None
    assert trail(fleet, "alert-00007") == []


def test_an_action_on_a_missing_alert_is_a_problem(fleet: Dashboard) -> None:
    assert "no alert" in problem(fleet.post("/api/alerts/none/acknowledge", {}), 404)


def test_a_form_has_the_same_effect_and_returns_to_its_page(fleet: Dashboard) -> None:
    token = fleet.get("/api/session")["csrf_token"]
    form = {"csrf_token": token, "resolution": "confirmed_hazard", "note": "", "next": "/alerts?level=HIGH"}
    answer = fleet.client.post("/alerts/alert-00008/resolve", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/alerts?level=HIGH")
    foreign = fleet.client.post("/alerts/alert-00008/acknowledge", data={"csrf_token": token, "next": "//evil.example.org"})
    assert (foreign.status_code, foreign.headers["Location"]) == (303, "/")
    assert [action for _, action, *_ in trail(fleet, "alert-00008")] == ["RESOLVED", "ACKNOWLEDGED"]


def test_a_request_without_the_token_changes_nothing(fleet: Dashboard) -> None:
    problem(fleet.client.post("/api/alerts/alert-00009/acknowledge", json={}), 400)
    assert fleet.client.post("/alerts/alert-00009/acknowledge").status_code == 400
    assert fleet.get("/api/alerts/alert-00009")["acknowledged_at"] is None


def test_the_trail_cannot_be_changed(fleet: Dashboard) -> None:
    fleet.post("/api/alerts/alert-00010/acknowledge", {})
    with fleet.connect() as connection:
        for change in (b"DELETE FROM dashboard_actions", b"UPDATE dashboard_actions SET actor = 'x'",
                       b"TRUNCATE dashboard_actions"):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="rows are added and never changed"):
                connection.execute(change)


def test_a_correction_that_the_jobs_would_refuse_again_is_not_sent() -> None:
    with pytest.raises(UnusableError, match="refused again: deviceId"):
        corrections.check(b"{}")
    with pytest.raises(UnusableError, match="refused again"):
        corrections.check(b"no json")
    assert corrections.check(message("dev-7")) == "dev-7"
    assert corrections.check(b'{"deviceId":" dev-7","idx":1,"timestamp":1.7600328e12,"volt":NaN,"sensorTemp":95.0}') == "dev-7"


def test_a_dead_letter_that_was_cut_cannot_be_corrected_and_says_why(fleet: Dashboard) -> None:
    with fleet.connect() as connection:
        connection.execute("""UPDATE dead_letters SET is_cut = true, size_bytes = 1048516, sha256 = repeat('0', 64)
                              WHERE source = 'telemetry[0]@5'""")
    body = {"message": message("dev-7").decode(), "source": "telemetry[0]@5"}
    said = problem(fleet.post("/api/pipeline/dead-letters/replay", body), 422)
    assert "holds only the first 65,536 of the message's 1,048,516 bytes" in said and "send the message again" in said
    letter, = (each for each in fleet.get("/api/pipeline")["dead_letters"]["items"] if each["source"] == "telemetry[0]@5")
    assert (letter["is_kept_whole"], letter["is_cut"], letter["size"], letter["replayed_at"]) == (False, True, 1048516, None)
    page = fleet.client.get("/pipeline").get_data(as_text=True)
    assert 'data-source="telemetry[0]@5"' not in page and 'data-source="telemetry[0]@6"' in page
    assert trail(fleet, "telemetry[0]@5") == []


def test_a_correction_is_not_recorded_while_kafka_is_unreachable(fleet: Dashboard) -> None:
    answer = fleet.post("/api/pipeline/dead-letters/replay", {"message": message("dev-7").decode(), "source": "telemetry[0]@3"})
    assert "Kafka does not accept the message" in problem(answer, 503)
    letters = fleet.get("/api/pipeline")["dead_letters"]["items"]
    assert all(letter["replayed_at"] is None for letter in letters) and trail(fleet, "telemetry[0]@3") == []


def test_a_correction_of_a_missing_dead_letter_is_a_problem(fleet: Dashboard) -> None:
    body = {"message": json.dumps({"deviceId": "dev-7", "idx": 1, "volt": 220.0}), "source": "telemetry[9]@9"}
    assert "no dead letter" in problem(fleet.post("/api/pipeline/dead-letters/replay", body), 404)
