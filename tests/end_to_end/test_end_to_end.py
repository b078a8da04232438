"""Real Kafka, real Postgres, real Flink processes: nothing is lost or doubled, also when parts of it are killed."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from commands import backup
from commands.cluster.rewind import rewind
from commands.cluster.stop import stop
from commands.cluster.submit import submit
from commands.demo.watch import Stored, Watch, differences, stored
from commands.simulate.scenarios import Plan
from commands.simulate.sender import Fleet, Sent
from contract.topics import TOPICS
from core import flink_rest, installation
from core.embedded_stack import Stack
from core.installation import ROOT
from core.settings import Settings
from infra.local import postgres, processes, status
from infra.local import stack as embedded
from infra.local.flink_config import REPORTERS
from infra.local.supervise import CHILD
from tests.infra.test_monitoring import expressions
from tests.support import original
from tests.udfs.test_lifecycle import reading
from udfs.alerts.process import GRACE_MS
from udfs.readings.event_time import EPOCH

SCHEMAS = ROOT / "infra" / "schemas"
DEADLINE_SECONDS = 240.0
REPORTER_PORT = 29_250
RISKY = "SELECT count(*) FROM readings WHERE starts_with(device_id, 'LOAD_TEST_') AND risk_level IN ('HIGH', 'CRITICAL')"
ARCS = """SELECT r.arc_count, r.alert_type, r.risk_level, d.last_arc_count, d.status_bits
          FROM readings AS r JOIN device_state AS d USING (device_id) WHERE device_id = %(deviceId)s"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The embedded stack with all jobs, in a folder of its own, stopped at the end."""
    real = installation.home_folder(Settings.load())
    if not (real / "jars").exists():
        pytest.skip(f"{real / 'jars'} holds no jars; ./fire test downloads them")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRE_LOG_FORMAT", "json")
        environment.setenv("FIRE_FLINK_METRICS_PORT", str(REPORTER_PORT))
        yield from _started(real)


def _started(real: Path) -> Iterator[Stack]:
    with embedded.own(real, "test", print) as running:
        submit(running)
        send_history(running)
        yield running


def send_history(stack: Stack) -> None:
    """Ten minutes of one device, half an hour ago: their windows close as soon as anything of now arrives."""
    start = time.time_ns() // 1_000_000 - 1_800_000
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    for idx in range(20):
        body = {"deviceId": "history-1", "siteId": "s", "idx": idx, "timestamp": start + 30_000 * idx, "pcbTemp": 30.0 + idx}
        producer.send("telemetry", json.dumps(body).encode(), key=b"history-1")
    producer.flush()
    producer.close()


def until(holds: Callable[[], Any], what: str) -> Any:
    """Polls a real system until it answers with something true, or fails with what was awaited."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.5)
    return pytest.fail(f"{what} did not happen within {DEADLINE_SECONDS:.0f} s")


def fleet(stack: Stack, plan: Plan) -> Fleet:
    return Fleet(plan, stack.kafka_brokers, stack.settings().topic("telemetry"))


def account(stack: Stack, sent: Sent, watch: Watch) -> Stored:
    """Waits until every message sent is accounted for."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        rows = stored(stack.database(), watch.prefix)
        missing = differences(sent, rows, watch)
        if not missing:
            return rows
        if time.monotonic() > deadline or watch.problem:
            pytest.fail(f"{missing} {watch.problem or ''}")
        time.sleep(0.5)


def kill_task_manager(stack: Stack) -> None:
    """SIGKILL for the JVM that runs detect and alert; its supervisor must bring it back."""
    place = installation.state(stack.home) / "flink" / "main" / "taskmanager" / CHILD
    record = processes.record_of(place)
    assert record, "the TaskManager must run"
    os.kill(record.pid, signal.SIGKILL)


def records(stack: Stack, topic: str, isolation: str = "read_committed") -> list[Any]:
    """Everything that a topic holds now."""
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka_brokers, group_id=None, enable_auto_commit=False,
                             isolation_level=isolation)
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    consumer.seek_to_beginning(*partitions)
    found: list[Any] = []
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for batch in consumer.poll(timeout_ms=500).values():
            found += batch
    consumer.close()
    return found


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
"""Topics that any fleet fills; what the others hold depends on what happens."""


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.name != "telemetry"])
def test_what_the_jobs_write_satisfies_the_topics_schema(stack: Stack, topic: str) -> None:
    schema = json.loads((SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    if topic in ALWAYS:
        until(lambda: records(stack, topic), f"a first record in {topic}")
    for record in records(stack, topic)[:2000]:
        row = json.loads(record.value)
        validator.validate(row)
        key = next(each.key for each in TOPICS if each.name == topic)
        assert not key or record.key.decode() == row[key]


def ask(stack: Stack, path: str) -> Any:
    """The dashboard's JSON answer."""
    with urllib.request.urlopen(f"{stack.dashboard}{path}", timeout=30) as answer:
        return json.load(answer)


def test_the_dashboard_sees_the_jobs_and_what_they_stored(stack: Stack) -> None:
    def has_looked() -> Any:
        pipeline = ask(stack, "/api/pipeline")
        return pipeline if all(job["last_checkpoint"] for job in pipeline["jobs"]) and len(pipeline["jobs"]) == 3 else None

    pipeline = until(has_looked, "a checkpoint of every job on the dashboard")
    assert {job["name"] for job in pipeline["jobs"]} == {"fire-detect", "fire-alert", "fire-store"}
    assert {each["group"] for each in pipeline["lag"]} == {"fire-detect", "fire-alert", "fire-store"}
    assert pipeline["dead_letters"]["total"] > 50 and pipeline["throughput"]["readings_per_second"] is not None
    overview = ask(stack, "/api/overview")
    assert overview["devices"]["total"] >= 12 and overview["alerts"]["items"][0]["level"] == "CRITICAL"
    codes = {reason["code"] for reason in overview["status"]["reasons"]}
    assert not codes & {"DATABASE_AWAY", "STREAM_AWAY", "FLINK_AWAY", "STALE_CHECKPOINT"}


def test_a_corrected_dead_letter_becomes_a_reading_and_its_alert_comes_over_the_dashboard_s_stream(stack: Stack) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(f"{stack.dashboard}/api/session", timeout=30) as answer:
        token = json.load(answer)["csrf_token"]
    letter = until(lambda: ask(stack, "/api/pipeline")["dead_letters"]["items"], "a dead letter on the dashboard")[0]
    hot = {"deviceId": "corrected-1", "siteId": "s", "idx": 1, "timestamp": time.time_ns() // 1_000_000, "pcbTemp": 90.0}
    stream = urllib.request.urlopen(f"{stack.dashboard}/api/stream", timeout=DEADLINE_SECONDS)
    body = json.dumps({"source": letter["source"], "message": json.dumps(hot)}).encode()
    replay = urllib.request.Request(f"{stack.dashboard}/api/pipeline/dead-letters/replay", body,
                                    {"Content-Type": "application/json", "X-CSRFToken": token})
    with browser.open(replay, timeout=30) as answer:
        assert answer.status == 202
    told = next(json.loads(line[6:]) for line in stream if line.startswith(b"data:") and b"corrected-1" in line)
    stream.close()
    assert (told["transition"], told["subject"]) == ("OPENED", "corrected-1")
    open_alerts = until(lambda: ask(stack, "/api/alerts?q=corrected-1")["items"], "the alert in the database")
    assert open_alerts[0]["alert_id"] == told["alert_id"]
    assert ask(stack, "/api/devices/corrected-1")["messages"][0]["max_temperature"] == 90.0
    replayed = [each for each in ask(stack, "/api/pipeline?limit=200")["dead_letters"]["items"] if each["replayed_by"]]
    assert [each["source"] for each in replayed] == [letter["source"]]


def test_rubbish_among_the_candidates_is_a_dead_letter_and_stops_nothing(stack: Stack) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    producer.send("candidates", b"rubbish", key=b"x").get(timeout=30)
    producer.close()

    def dead_letters() -> list[Any]:
        letters = [json.loads(record.value) for record in records(stack, "dead-letters")]
        return [letter for letter in letters if letter["source"].startswith("candidates[")]

    until(dead_letters, "a dead letter of the candidate")


def test_the_original_designs_messages_pass_through_the_whole_system_without_an_error(stack: Stack) -> None:
    """Its end-to-end message (arc alarm, 3 arcs) and its load: 100 devices at random, from many threads at once."""
    before = scrape(stack)
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)

    def send(body: dict[str, Any]) -> None:
        producer.send("telemetry", json.dumps(body).encode(), key=body["deviceId"].encode()).get(timeout=60)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, [original.END_TO_END, *original.load(100, seed=1)]))
    producer.close()
    until(lambda: stored(stack.database(), "LOAD_TEST_").readings == 100, "storing the reading of each of 100 devices")
    until(lambda: stored(stack.database(), "TEST_").readings == 1, "storing the reading with the arcs")
    with psycopg.connect(**stack.database()) as connected:
        risky = connected.execute(RISKY).fetchone()
        arcs = connected.execute(ARCS, original.END_TO_END).fetchone()
    assert arcs == (3, "ARC_DETECTED", "LOW", 3, 2048)
    assert risky and risky[0] > 50
    until(lambda: stored(stack.database(), "LOAD_TEST_").alerts >= risky[0], "an alert of every device whose reading is risky")
    after = scrape(stack)
    for errors in ("fire_dead_letters_total", "fire_store_refusals", "fire_job_restarts_total"):
        assert total(after, errors) == total(before, errors), errors


def test_alerts_flow_while_postgres_is_down_and_everything_is_stored_when_it_is_back(stack: Stack) -> None:
    plan = Plan(scenario="heating", devices=4, sites=2, rate=20, count=800, onset=2, prefix="outage", seed=3)
    watch, sender = Watch(stack.settings(), "outage-"), fleet(stack, plan)
    try:
        postgres.stop(stack.home)
        sender.start()
        until(lambda: watch.arrivals, "an alert while Postgres is down")
        until(lambda: not sender.running, "sending every message")
        postgres.start(stack.home, stack.postgres_port)
        account(stack, sender.stop(), watch)
    finally:
        watch.close()


def test_exporter_counts_what_was_sent(stack: Stack) -> None:
    before = scrape(stack)
    sent = send_all(stack, Plan(scenario="normal", devices=10, rate=100, count=1000, malformed=0.05, duplicates=0.05,
                                prefix="counted", seed=11))
    expected = {"fire_readings_total": sent.readings, "fire_dead_letters_total": sent.malformed,
                "fire_duplicates_total": sent.duplicates}
    assert min(expected.values()) > 20

    def differences() -> dict[str, float]:
        after = scrape(stack)
        return {name: total(after, name) - total(before, name) - count for name, count in expected.items()}

    until(lambda: not any(differences().values()), f"counting {expected}")
    assert total(scrape(stack), "fire_source_up") == 4
    assert total(scrape(stack), "fire_job_running") == 3


def test_every_metric_that_rules_and_board_ask_for_is_in_the_scrape(stack: Stack) -> None:
    asked = {name for text in expressions() for name in re.findall(r"\bfire_\w+", text)}
    assert len(asked) > 25
    assert asked - names(scrape(stack)) == set()


def test_flinks_own_reporter_answers_where_it_is_switched_on(stack: Stack) -> None:
    told = ""
    for port in range(REPORTER_PORT, REPORTER_PORT + REPORTERS):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
            told += response.read().decode()
    for name in ("flink_jobmanager_job_numRestarts", "flink_jobmanager_job_lastCheckpointDuration",
                 "flink_taskmanager_job_task_operator_numLateRecordsDropped",
                 "flink_taskmanager_job_task_operator_KafkaSourceReader_KafkaConsumer_records_lag_max"):
        assert re.search(rf"^{name}\{{", told, re.MULTILINE), name


def test_every_line_of_the_logs_is_json_with_time_level_and_message(stack: Stack) -> None:
    state = installation.state(stack.home)
    logs = [*(state / "flink").glob("*/*/*.log"), state / "metrics" / "output.log", state / "retention" / "output.log"]
    ours = [log for log in logs if not (log.name == "output.log" and "flink" in log.parts)]
    found = [line for log in ours for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(found) > 100
    for line in found:
        assert {"@timestamp", "log.level", "message", "log.logger"} <= json.loads(line).keys()


def test_a_savepoint_and_a_restored_database_lose_nothing(stack: Stack, tmp_path: Path) -> None:
    """The operator's drill: save, go on, lose the database, restore it, rewind the store; detect goes on from its savepoint."""
    begun = datetime.now(UTC)
    file, saved = backup.save(stack.database(), tmp_path, begun)
    lost = send_all(stack, Plan(scenario="normal", devices=5, rate=200, count=400, prefix="lost", seed=5))
    until(lambda: stored(stack.database(), "lost-").readings == lost.readings, "storing what the backup does not hold")
    savepoint, _ = stop(stack.jobmanager, "detect"), stop(stack.store_jobmanager, "store")
    with psycopg.connect(**stack.database(), autocommit=True) as connected:
        connected.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert backup.load(stack.database(), file, replace=False) == saved
    rewind(stack.settings(), "store", begun)
    waiting = send_all(stack, Plan(scenario="normal", devices=5, rate=200, count=400, prefix="waiting", seed=6))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda given: submit(stack, *given), [(("detect",), savepoint), (("store",),)]))
    until(lambda: stored(stack.database(), "lost-").readings == lost.readings, "storing again what came after the backup")
    until(lambda: stored(stack.database(), "waiting-").readings == waiting.readings, "reading what came while detect was stopped")


def send_all(stack: Stack, plan: Plan) -> Sent:
    """Sends the whole plan and returns what it was."""
    sender = fleet(stack, plan)
    sender.start()
    until(lambda: not sender.running, "sending every message")
    return sender.stop()


def scrape(stack: Stack) -> list[Metric]:
    """The families that the exporter tells now."""
    with urllib.request.urlopen(f"http://{stack.metrics}/metrics", timeout=30) as response:
        return list(text_string_to_metric_families(response.read().decode()))


def total(families: list[Metric], name: str) -> float:
    """The sum of a metric over all its labels."""
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def names(families: list[Metric]) -> set[str]:
    """Every sample that the families may have, also those without one yet."""
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {f"{family.name}{ending}" for family in families for ending in endings[family.type]}


def iso(milliseconds: float) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def send_candidates(stack: Stack, candidates: list[dict[str, Any]]) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    for each in candidates:
        producer.send("candidates", json.dumps(each).encode(), key=each["subject"].encode())
    producer.flush()
    producer.close()


def told(stack: Stack, prefix: str, isolation: str = "read_committed") -> list[tuple[str, str]]:
    """Subject and transition of every message about subjects of a prefix."""
    alerts = [json.loads(record.value) for record in records(stack, "alerts", isolation)]
    return [(alert["subject"], alert["transition"]) for alert in alerts if alert["subject"].startswith(prefix)]


def test_silent_device_is_heard_of_when_its_maintenance_ends(stack: Stack) -> None:
    """Its window ends 20 s from now less the grace, which is over 20 s from now: nothing but the job's timer can tell it."""
    end = time.time_ns() / 1e6 - GRACE_MS + 20_000
    held = {"is_held": True, "held_until": iso(end), "event_time": iso(end - 60_000)}
    send_candidates(stack, [reading(0, subject="mute-1") | held])
    until(lambda: told(stack, "mute-"), "the end of the maintenance of a silent device")
    assert told(stack, "mute-") == [("mute-1", "OPENED")]


def restart_alert_job(stack: Stack, delivery: str, monkeypatch: pytest.MonkeyPatch) -> None:
    overview = flink_rest.get(stack.jobmanager, "/jobs/overview")
    (job_id,) = [job["jid"] for job in overview["jobs"] if job["name"] == "fire-alert" and job["state"] == "RUNNING"]
    urllib.request.urlopen(urllib.request.Request(f"http://{stack.jobmanager}/jobs/{job_id}?mode=cancel", method="PATCH"))
    until(lambda: not status.is_running(stack, "alert"), "the end of the alert job")
    monkeypatch.setenv("FIRE_ALERT_DELIVERY", delivery)
    submit(stack, jobs=("alert",))


def test_transitions_written_exactly_once_are_seen_once_though_the_task_manager_is_killed(
        stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed between writing and committing, so that the same transitions are written twice and committed once."""
    restart_alert_job(stack, "exactly-once", monkeypatch)
    subjects = [f"once-{number:03}" for number in range(200)]
    send_candidates(stack, [reading(5, subject=subject) for subject in subjects[:100]])
    until(lambda: not told(stack, "once-") and told(stack, "once-", "read_uncommitted"), "a transition that is not committed")
    kill_task_manager(stack)
    send_candidates(stack, [reading(5, subject=subject) for subject in subjects[100:]])
    until(lambda: len(set(told(stack, "once-"))) == len(subjects), "every transition")
    assert sorted(told(stack, "once-")) == [(subject, "OPENED") for subject in subjects]
    assert len(told(stack, "once-", "read_uncommitted")) > len(subjects)


def test_down_leaves_nothing_running(stack: Stack) -> None:
    assert embedded.stop(stack.home)
    assert not any(alive for _, alive in embedded.parts(stack.home))
    left = [line for line in _command_lines() if str(stack.home) in line]
    assert left == []


def _command_lines() -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except FileNotFoundError:
            continue
    return found
