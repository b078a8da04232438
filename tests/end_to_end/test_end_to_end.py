"""Real Kafka, Postgres and Flink processes: every message is accounted for exactly once, for people and for programs."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jsonschema
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from commands.demo.watch import Watch, stored
from commands.simulate.scenarios import Plan
from contract.jobs import JOBS
from contract.topics import TOPICS
from core import flink_rest, installation
from core.embedded_stack import Stack
from core.installation import ROOT
from core.settings import Settings
from infra.local import status
from infra.local.flink_config import REPORTERS
from services.metrics import results
from tests.infra.test_monitoring import expressions
from tests.support import original
from tests.support.stacks import account, ask, fleet, kill_task_manager, records, send_all, send_candidates, transitions
from tests.support.waiting import DEADLINE_SECONDS, until
from tests.udfs.test_lifecycle import reading
from udfs.alerts.process import GRACE_MS
from udfs.readings.event_time import EPOCH

SCHEMAS = ROOT / "infra" / "schemas"
RISKY = "SELECT count(*) FROM readings WHERE starts_with(device_id, 'LOAD_TEST_') AND risk_level IN ('HIGH', 'CRITICAL')"
ARCS = """SELECT r.arc_count, r.alert_type, r.risk_level, d.last_arc_count, d.status_bits
          FROM readings AS r JOIN device_state AS d USING (device_id) WHERE device_id = %(deviceId)s"""


def test_no_job_restarts_while_the_stack_starts(stack: Stack) -> None:
    def states() -> list[str]:
        overviews = [flink_rest.get(address, "/jobs/overview") for address in (stack.jobmanager, stack.store_jobmanager)]
        jobs = [job for overview in overviews for job in overview["jobs"]]
        return [state for job in jobs for state, tasks in job["tasks"].items() if tasks and state != "total"]

    until(lambda: set(states()) == {"running"}, "the deployment of every task")
    found = {job.name: (job.restarts, job.trouble) for job in status.jobs(stack)}
    assert found == {f"fire-{job}": (0, "") for job in JOBS}


def test_every_message_is_accounted_for_though_a_task_manager_is_killed(stack: Stack) -> None:
    plan = Plan(scenario="spreading-fire", devices=12, rate=150, count=6000, onset=5, malformed=0.02, duplicates=0.02,
                prefix="e2e", seed=7)
    watch, sender = Watch(stack.settings(), "e2e-"), fleet(stack, plan)
    try:
        sender.start()
        until(lambda: watch.readings > 500, "scoring the first 500 readings")
        kill_task_manager(stack)
        until(lambda: not sender.running, "sending every message")
        sent = sender.stop()
        until(lambda: {each.alert["level"] for each in list(watch.arrivals.values())} >= {"HIGH", "CRITICAL"},
              "alerts of both levels")
        rows = account(stack, sent, watch)
    finally:
        watch.close()
    assert sent.malformed > 50 and sent.duplicates > 50
    assert sent.messages == rows.readings + len(watch.dead_letters) + sent.duplicates


ALWAYS = {"dead-letters", "readings", "device-minutes", "device-5min-aggregates", "site-risk", "candidates", "alerts"}
"""Topics that receive records from any fleet; the records of others depend on what happens."""


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.name != "telemetry"])
def test_records_of_the_jobs_satisfy_the_topics_schema(stack: Stack, topic: str) -> None:
    schema = json.loads((SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    if topic in ALWAYS:
        until(lambda: records(stack, topic), f"a first record in {topic}")
    for record in records(stack, topic)[:2000]:
        row = json.loads(record.value)
        validator.validate(row)
        key = next(each.key for each in TOPICS if each.name == topic)
        assert not key or record.key.decode() == row[key]


def test_the_dashboard_shows_the_jobs_and_what_they_stored(stack: Stack) -> None:
    until(lambda: not unseen(stack), lambda: f"the dashboard's sight of this: {unseen(stack)};", pause=1.0)


def unseen(stack: Stack) -> list[str]:
    """Returns what the dashboard does not show yet."""
    pipeline, overview = ask(stack, "/api/pipeline"), ask(stack, "/api/overview")
    names = {"fire-detect", "fire-alert", "fire-store"}
    away = {"DATABASE_AWAY", "STREAM_AWAY", "FLINK_AWAY", "STALE_CHECKPOINT"}
    shown = {
        "three jobs": {job["name"] for job in pipeline["jobs"]} == names and len(pipeline["jobs"]) == 3,
        "a checkpoint of each": all(job["last_checkpoint"] for job in pipeline["jobs"]),
        "the lag of their groups": {each["group"] for each in pipeline["lag"]} == names,
        "dead letters": pipeline["dead_letters"]["total"] > 50,
        "the rate of readings": pipeline["throughput"]["readings_per_second"] is not None,
        "the fleet": overview["devices"]["total"] >= 12,
        "the worst alert first": [each["level"] for each in overview["alerts"]["items"][:1]] == ["CRITICAL"],
        "a system of which no part is away": not away & {reason["code"] for reason in overview["status"]["reasons"]},
    }
    return [what for what, is_shown in shown.items() if not is_shown]


def test_a_corrected_dead_letter_becomes_a_reading_and_its_alert_arrives_in_the_dashboard_s_stream(stack: Stack) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(f"{stack.dashboard}/api/session", timeout=DEADLINE_SECONDS) as answer:
        token = json.load(answer)["csrf_token"]
    letter = until(lambda: ask(stack, "/api/pipeline")["dead_letters"]["items"], "a dead letter on the dashboard")[0]
    hot = {"deviceId": "corrected-1", "siteId": "s", "idx": 1, "timestamp": time.time_ns() // 1_000_000, "pcbTemp": 90.0}
    body = json.dumps({"source": letter["source"], "message": json.dumps(hot)}).encode()
    replay = urllib.request.Request(f"{stack.dashboard}/api/pipeline/dead-letters/replay", body,
                                    {"Content-Type": "application/json", "X-CSRFToken": token})
    with urllib.request.urlopen(f"{stack.dashboard}/api/stream", timeout=DEADLINE_SECONDS) as stream:
        heard(stream, b'"stream":true')
        with browser.open(replay, timeout=DEADLINE_SECONDS) as answer:
            assert answer.status == 202
        alert = heard(stream, b"corrected-1")
    assert (alert["transition"], alert["subject"]) == ("OPENED", "corrected-1")
    open_alerts = until(lambda: ask(stack, "/api/alerts?q=corrected-1")["items"], "the alert in the database")
    assert open_alerts[0]["alert_id"] == alert["alert_id"]
    until(lambda: ask(stack, "/api/devices?q=corrected-1")["items"], "the device in the database")
    messages = until(lambda: ask(stack, "/api/devices/corrected-1")["messages"], "the reading in the database")
    assert messages[0]["max_temperature"] == 90.0
    replayed = [each for each in ask(stack, "/api/pipeline?limit=200")["dead_letters"]["items"] if each["replayed_by"]]
    assert [each["source"] for each in replayed] == [letter["source"]]


def heard(stream: Any, what: bytes) -> Any:
    """Returns the data of the stream's first event that contains a text; comments keep the stream alive until then."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    for line in stream:
        if line.startswith(b"data:") and what in line:
            return json.loads(line[6:])
        assert time.monotonic() < deadline, f"no event with {what!r} came"
    return pytest.fail("the stream ended")


def test_malformed_candidate_is_a_dead_letter_and_stops_nothing(stack: Stack) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    producer.send("candidates", b"rubbish", key=b"x").get(timeout=DEADLINE_SECONDS)
    producer.close()

    def dead_letters() -> list[Any]:
        letters = [json.loads(record.value) for record in records(stack, "dead-letters")]
        return [letter for letter in letters if letter["source"].startswith("candidates[")]

    until(dead_letters, "a dead letter of the candidate")


def test_the_original_designs_messages_pass_through_the_whole_system_without_an_error(stack: Stack) -> None:
    """The design's end-to-end message (arc alarm, 3 arcs) and its load: 100 random devices, sent by many threads at once."""
    before = errors(stack)
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)

    def send(body: dict[str, Any]) -> None:
        producer.send("telemetry", json.dumps(body).encode(), key=body["deviceId"].encode()).get(timeout=DEADLINE_SECONDS)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, [original.END_TO_END, *original.load(100, seed=1)]))
    producer.close()
    until(lambda: stored(stack.database(), "LOAD_TEST_").readings == 100, "storing the reading of each of 100 devices")
    until(lambda: stored(stack.database(), "TEST_").readings == 1, "storing the reading with the arcs")
    with psycopg.connect(**stack.database()) as connected:
        risky = connected.execute(RISKY).fetchone()
        arcs = connected.execute(ARCS, original.END_TO_END).fetchone()
    assert arcs == (3, "ARC_DETECTED", "HIGH", 3, 2048)
    assert risky and risky[0] > 50
    until(lambda: stored(stack.database(), "LOAD_TEST_").alerts >= risky[0], "an alert of every device whose reading is risky")
    assert errors(stack) == before


def errors(stack: Stack) -> tuple[int, Any, dict[str, int]]:
    """Returns the number of dead letters, store refusals, and restarts of each job so far."""
    with psycopg.connect(**stack.database()) as connected:
        refusals = connected.execute("SELECT count(*) FROM store_refusals").fetchone()
    return len(records(stack, "dead-letters")), refusals, {job.name: job.restarts for job in status.jobs(stack)}


COUNTED = ("fire_readings_total", "fire_dead_letters_total", "fire_duplicates_total")
ROUNDS = 3
"""Rounds of asking: Flink's figures are as old as the previous request, so those of one round describe an earlier state."""
ATTEMPTS = 5


def test_exporter_counts_what_was_sent(stack: Stack) -> None:
    for attempt in range(ATTEMPTS):
        before = at_rest(stack)
        sent = send_all(stack, Plan(scenario="normal", devices=10, rate=200, count=1000, malformed=0.05, duplicates=0.05,
                                    prefix=f"counted-{attempt}", seed=11))
        after = at_rest(stack)
        if total(after, "fire_job_restarts_total") == total(before, "fire_job_restarts_total"):
            assert min(sent.readings, sent.malformed, sent.duplicates) > 20
            assert rises(before, after) == [sent.readings, sent.malformed, sent.duplicates]
            return
    pytest.fail(f"a job restarted during each of {ATTEMPTS} attempts, and a restarted job counts from 0")


def at_rest(stack: Stack) -> list[Metric]:
    """Waits for a scrape that has counted everything: no record waits to be read, and no figure has changed for some rounds."""
    seen: dict[float, list[float]] = {}

    def settled() -> list[Metric] | None:
        now = scrape(stack)
        figures = [total(now, name) for name in (*COUNTED, "fire_topic_records_total")]
        if total(now, "fire_consumer_lag_records") or waits(stack) or figures != next(iter(seen.values()), figures):
            seen.clear()
        seen[total(now, "fire_checkpoint_age_seconds")] = figures
        return now if len(seen) >= ROUNDS else None

    scraped: list[Metric] = until(settled, "a system at rest", pause=1.0)
    return scraped


def waits(stack: Stack) -> bool:
    """Checks whether records of the result topics wait for the exporter."""
    settings = stack.settings()
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka_brokers)
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka_brokers)
    group = f"{settings.consumer_group}-metrics"
    places = [TopicPartition(topic, number) for topic in map(settings.topic, results.TOPICS)
              for number in consumer.partitions_for_topic(topic) or ()]
    ends, committed = consumer.end_offsets(places), admin.list_group_offsets(group).get(group, {})
    consumer.close()
    admin.close()
    return any(end and (place not in committed or committed[place].offset < end) for place, end in ends.items())


def rises(before: list[Metric], after: list[Metric]) -> list[float]:
    """Returns the differences between two scrapes."""
    return [total(after, name) - total(before, name) for name in COUNTED]


def test_exporter_reports_every_part_of_the_system(stack: Stack) -> None:
    until(lambda: total(scrape(stack), "fire_source_up") == 4, "an answer of every part to the exporter")
    until(lambda: total(scrape(stack), "fire_job_running") == 3, "three running jobs")


def test_every_metric_in_rules_and_board_is_in_the_scrape(stack: Stack) -> None:
    asked = {name for text in expressions() for name in re.findall(r"\bfire_\w+", text)}
    assert len(asked) > 25
    until(lambda: asked <= names(scrape(stack)), lambda: f"a scrape with {asked - names(scrape(stack))}")


REPORTED = ("flink_jobmanager_job_numRestarts", "flink_jobmanager_job_lastCheckpointDuration",
            "flink_taskmanager_job_task_operator_numLateRecordsDropped",
            "flink_taskmanager_job_task_operator_KafkaSourceReader_KafkaConsumer_records_lag_max")


def test_flinks_own_reporter_answers_if_it_is_enabled(stack: Stack) -> None:
    def missing() -> list[str]:
        text = reported()
        return [name for name in REPORTED if not re.search(rf"^{name}\{{", text, re.MULTILINE)]

    until(lambda: not missing(), lambda: f"a report of {missing()}", pause=1.0)


def reported() -> str:
    """Returns the texts of the reporters of all Flink processes."""
    first, found = Settings.load().flink_metrics_port, ""
    for port in range(first, first + REPORTERS):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_SECONDS) as response:
            found += response.read().decode()
    return found


def test_every_line_of_the_logs_is_json_with_time_level_and_message(stack: Stack) -> None:
    state = installation.state(stack.home)
    logs = [*(state / "flink").glob("*/*/*.log"), state / "metrics" / "output.log", state / "retention" / "output.log"]
    ours = [log for log in logs if not (log.name == "output.log" and "flink" in log.parts)]
    # What follows the last end of a line is still being written.
    found = [line for log in ours for line in log.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()]
    assert len(found) > 100
    for line in found:
        assert {"@timestamp", "log.level", "message", "log.logger"} <= json.loads(line).keys()


def scrape(stack: Stack) -> list[Metric]:
    """Returns the metric families of a scrape."""
    with urllib.request.urlopen(f"http://{stack.metrics}/metrics", timeout=DEADLINE_SECONDS) as response:
        return list(text_string_to_metric_families(response.read().decode()))


def total(families: list[Metric], name: str) -> float:
    """Returns the sum of a metric over all its labels."""
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def names(families: list[Metric]) -> set[str]:
    """Returns the name of every sample that the families can have, also of those without one yet."""
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {f"{family.name}{ending}" for family in families for ending in endings[family.type]}


def iso(milliseconds: float) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_alert_of_a_silent_device_is_published_when_its_maintenance_ends(stack: Stack) -> None:
    """Only the job's timer can publish the alert: the maintenance window ends so that the timer's grace is over in 20 s."""
    end = time.time_ns() / 1e6 - GRACE_MS + 20_000
    held = {"is_held": True, "held_until": iso(end), "event_time": iso(end - 60_000)}
    send_candidates(stack, [reading(0, subject="mute-1") | held])
    until(lambda: transitions(stack, "mute-"), "the end of the maintenance of a silent device")
    assert set(transitions(stack, "mute-")) == {("mute-1", "OPENED")}
