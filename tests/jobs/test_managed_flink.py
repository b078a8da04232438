"""The package for Managed Service for Apache Flink: what it may set, what it contains, and that it runs on its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from commands import cli
from core import flink_rest, installation
from core.settings import Settings
from infra.local import flink, jars, java, processes
from infra.local import stack as embedded
from infra.local.flink_config import main_cluster
from infra.managed_flink import package, wheels
from jobs import alert, detect, store
from jobs.flink import environment, managed
from tests.support.brokers import create_topics
from tests.support.free_ports import free_ports
from tests.support.stacks import quick_options
from tests.support.waiting import DEADLINE_SECONDS

HOME = installation.home_folder(Settings.load())
MANAGED = Settings(managed_flink=True)
ALLOWED = {
    "pipeline.name", "pipeline.object-reuse", "pipeline.operator-chaining.enabled", "pipeline.max-parallelism",
    "pipeline.auto-watermark-interval", "pipeline.generic-types", "execution.runtime-mode", "execution.checkpointing.unaligned",
    "python.execution-mode", "python.operator-chaining.enabled", "table.local-time-zone", "table.exec.state.ttl",
    "table.exec.source.idle-timeout", "table.exec.mini-batch.enabled", "table.exec.mini-batch.allow-latency",
    "table.exec.mini-batch.size", "table.exec.sink.upsert-materialize", "table.exec.sink.not-null-enforcer",
    "table.optimizer.reuse-optimize-block-with-digest-enabled", "table.optimizer.reuse-sub-plan-enabled",
    "table.optimizer.reuse-source-enabled", "table.dml-sync",
}  # fmt: skip
"""Of the keys that Managed Service for Apache Flink 2.2 lets a program set, those that a job of ours may want; it throws on
any that its documentation, "Programmatic Flink configuration properties", does not list."""


@pytest.mark.parametrize("more", [{}, detect.options(MANAGED), store.OPTIONS, detect.options(replace(
    MANAGED, source="kinesis", kinesis_streams="arn:aws:kinesis:eu-west-1:123456789012:stream/"))])
def test_program_sets_only_what_managed_flink_lets_it_set(more: dict[str, str]) -> None:
    assert (environment._options(MANAGED, "detect") | more).keys() <= ALLOWED


def test_everywhere_else_bundles_and_checkpoints_are_set_as_well() -> None:
    more = environment._options(Settings(parallelism=2), "detect").keys() - environment._options(MANAGED, "detect").keys()
    assert {"parallelism.default", "execution.checkpointing.interval", "python.fn-execution.bundle.time"} <= more


@pytest.mark.parametrize("job", [detect, alert, store], ids=["detect", "alert", "store"])
def test_main_starts_the_job_that_the_properties_name(job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Settings] = []
    monkeypatch.setattr(job, "start", started.append)
    name = job.__name__.rpartition(".")[2]
    assert managed.main(["--properties", str(properties(tmp_path, job=name, topic_prefix="p."))]) == 0
    assert [(each.managed_flink, each.topic_prefix) for each in started] == [(True, "p.")]


def test_main_prints_the_cause_as_one_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert managed.main(["--properties", str(properties(tmp_path, sauce="kafka"))]) == 1
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(each["type"], each["error"].split(":")[0]) for each in said] == [("SettingsError", "FIRE_SAUCE")]


def test_properties_contain_what_differs_from_the_defaults_and_no_secret() -> None:
    settings = Settings(kafka_security="scram", kafka_password="hunter2", deduplicate=False, checkpoint_seconds=3)
    run, ours = package.application_properties(settings)
    assert run["PropertyMap"] == {"python": "main.py", "jarfile": "lib/pyflink-dependencies.jar", "pyFiles": "dep/"}
    assert ours == {"PropertyGroupId": "fire", "PropertyMap": {
        "kafka_brokers": "127.0.0.1:9092", "kafka_security": "scram", "deduplicate": "false", "job": "detect"}}


def test_locked_wheels_are_closed_and_hashed() -> None:
    lines = wheels.locked().splitlines()
    assert [line.split("==")[0] for line in lines if "==" in line] == list(wheels.PACKAGES)
    assert all(after.startswith("    --hash=sha256:") for line, after in itertools.pairwise(lines) if "==" in line)


def properties(folder: Path, **ours: str) -> Path:
    file = folder / "application_properties.json"
    file.write_text(json.dumps([package.RUN_OPTIONS, {"PropertyGroupId": "fire", "PropertyMap": ours}]))
    return file


@pytest.fixture(scope="module", params=["3.11", "3.12"])
def python(request: pytest.FixtureRequest) -> Path:
    """Returns an interpreter of each supported version that has PyFlink: this one, and another one if it exists."""
    if request.param == "{}.{}".format(*sys.version_info):
        return Path(sys.executable)
    other = HOME / f"venv-{request.param}"
    if not (other / "bin" / "python").exists():
        pytest.skip(f"no PyFlink for Python {request.param}; to run it too: python{request.param} -m venv {other} && "
                    f"{other}/bin/pip install --require-hashes -r requirements.txt")
    return other / "bin" / "python"


@pytest.fixture(scope="module")
def unzipped(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the unzipped package for an interpreter's version."""
    if jars.missing(HOME, ["managed-flink", "flink", "kafka"]):
        pytest.skip("the jars of managed-flink are not there; ./fire package managed-flink downloads them")
    folder = tmp_path_factory.mktemp("package")
    version = subprocess.check_output([python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"], text=True).strip()
    package.package(folder / package.NAME, HOME, python=version)
    with zipfile.ZipFile(folder / package.NAME) as archive:
        archive.extractall(folder / "application")
    return folder / "application"


def test_package_contains_one_jar_the_project_and_its_packages_and_no_tests(unzipped: Path) -> None:
    assert sorted(each.name for each in unzipped.iterdir()) == ["dep", "lib", "main.py"]
    assert [each.name for each in (unzipped / "lib").iterdir()] == ["pyflink-dependencies.jar"]
    present = {each.name for each in (unzipped / "dep").iterdir()}
    assert {"contract", "jobs", "udfs", "sql", "msgspec", "orjson", "boto3", "botocore"} <= present
    assert not {"tests", "infra", "pyflink", "numpy", "pandas", "pyarrow"} & present


def test_wheels_load_in_their_interpreter_from_the_package_alone(unzipped: Path, python: Path) -> None:
    where = ("import msgspec, orjson, boto3, udfs.readings.functions, jobs.detect as j\n"
             "print(*(each.__file__ for each in (msgspec, orjson, boto3, j)))")
    said = subprocess.check_output([python, "-P", "-c", where], text=True, cwd=unzipped, env=alone(unzipped / "dep"))
    assert all(name.startswith(str(unzipped / "dep")) for name in said.split())


def alone(*path: Path) -> dict[str, str]:
    """Returns the environment of a client without access to this repository."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": ":".join(map(str, path))}


@dataclass(frozen=True)
class Bare(flink.Flink):
    """A cluster without connectors and without the project: a job must bring everything it needs."""

    def launch(self) -> None:
        self._configure()
        for role, main_class in (("jobmanager", flink.JOBMANAGER), ("taskmanager", flink.TASKMANAGER)):
            env = {name: value for name, value in self._env(role).items() if name != "PYTHONPATH"}
            processes.start(self.folder / role, self._java(role, main_class), env=env)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Bare]:
    """Runs a Flink cluster without anything of the project."""
    home = embedded.fresh_home(HOME, "test-package")
    (home / "jars").unlink()
    chosen = free_ports("Flink", "Flink's RPC")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flink, "taskmanager_options", quick_options)
        started = Bare(home, java.find(), main_cluster(2), chosen["Flink"], chosen["Flink's RPC"])
        try:
            started.launch()
            started.wait()
            yield started
        finally:
            flink.stop(home)


def submit(cluster: Bare, application: Path, python: Path, **ours: str) -> None:
    """Starts a job as the service does: the Python program of the zip with its jar and packages, and nothing else."""
    dist = flink.distribution()
    command = [str(dist / "bin" / "flink"), "run", "-d", "-m", cluster.address, "-pyexec", str(python), "-pyclientexec",
               str(python), "-j", "lib/pyflink-dependencies.jar", "-pyfs", "dep/", "-py", "main.py",
               "--properties", str(properties(application, **ours))]
    env = alone() | {"JAVA_HOME": str(cluster.java.home), "FLINK_CONF_DIR": str(cluster.folder / "conf"),
                     "FLINK_LOG_DIR": str(cluster.folder)}
    env |= {"JVM_ARGS": os.environ["JVM_ARGS"]}
    del env["PYTHONPATH"]
    result = subprocess.run(command, cwd=application, env=env, capture_output=True, text=True, check=False)
    assert "Job has been submitted" in result.stdout, result.stdout[-3000:] + result.stderr[-3000:]


def test_package_alone_scores_readings_and_raises_alerts_on_a_cluster(brokers: str, cluster: Bare, unzipped: Path, python: Path
                                                                         ) -> None:
    prefix = f"{unzipped.parent.name}."
    create_topics(brokers, prefix)
    for job in ("detect", "alert"):
        submit(cluster, unzipped, python, job=job, kafka_brokers=brokers, topic_prefix=prefix, consumer_group=prefix + job)
    producer = KafkaProducer(bootstrap_servers=brokers)
    for key, device in ((b"dev-1", "dev-1"), (None, "dev-2"), (b"dev-1", "dev-3")):
        body = {"deviceId": device, "idx": 1, "timestamp": time.time_ns() // 1_000_000, "status": 0, "pcbTemp": 90.0}
        producer.send(f"{prefix}telemetry", json.dumps(body).encode(), key=key)
    producer.close()
    assert {row["subject"] for row in first(brokers, f"{prefix}alerts", 2)} == {"dev-1", "dev-2"}
    assert {row["device_id"] for row in first(brokers, f"{prefix}readings", 2)} == {"dev-1", "dev-2"}
    letter, = first(brokers, f"{prefix}dead-letters", 1)
    assert letter["reason"].startswith("deviceId 'dev-3' is not the record key 'dev-1'")
    cancel(cluster)


def first(brokers: str, topic: str, count: int) -> list[dict[str, Any]]:
    """Returns the first records of a topic, or as many as arrive before the deadline."""
    consumer = KafkaConsumer(topic, bootstrap_servers=brokers, group_id=None, auto_offset_reset="earliest")
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(found) < count and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=500).values():
            found += [json.loads(record.value) for record in records]
    consumer.close()
    return found


def cancel(cluster: Bare) -> None:
    """Cancels the jobs, because the next interpreter's jobs need their slots."""
    import urllib.request

    for job in flink_rest.get(cluster.address, "/jobs")["jobs"]:
        request = urllib.request.Request(f"http://{cluster.address}/jobs/{job['id']}", method="PATCH")
        urllib.request.urlopen(request, timeout=DEADLINE_SECONDS).close()


def test_command_is_declared_with_what_it_needs_installed() -> None:
    args = cli.parse(["package", "managed-flink"])
    assert (args.needs, args.out) == ("package", "out")
