"""`./fire submit`: submits jobs to a Flink cluster.

A client costs CPU-seconds for its JVM and the planner's first statement, and the detect job's plan most of the rest. So the
embedded stack has two clients, side by side: one for the detect job, one for the others.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from contract.jobs import JOBS, OPTIONAL
from core.errors import FireError
from core.installation import ROOT
from core.logs import Report, reporter
from core.settings import Settings
from infra.local.progress import step

if TYPE_CHECKING:
    from core.embedded_stack import Stack
    from jobs.flink.plans import Plans

SHIPPED = ("contract", "core", "jobs", "udfs")
"""Packages that Flink's Python workers import."""
CLIENTS = (("detect",), ("store", "alert", *OPTIONAL))
"""The jobs of each client, in their order: detect costs as much as all others, and readings are stored before an alert comes."""
QUOTED_LINES = 30
"""The lines of a failed client that are quoted."""
UNPLANNED = "alert"
"""The job without a compiled plan, which a DataStream does not allow."""
CLIENT_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A client's JVM lives for seconds, too short for the optimising compiler to pay back."""


class SubmitError(FireError):
    """A job could not be submitted; the text gives the reason and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Submits `args.jobs` (by default all but archive) to `args.jobmanager` or to the stack on this machine."""
    from infra.local import java

    java.use()
    os.environ.setdefault("JVM_ARGS", CLIENT_JVM)
    settings, addresses = target(args.jobmanager)
    report = reporter("submit", settings)
    if args.savepoint and len(args.jobs) != 1:
        raise SubmitError("a savepoint belongs to one job; name that job: ./fire submit detect --from PATH")
    for job in args.jobs or JOBS:
        with step(report, f"submitting {job}") as done:
            job_id = start(job, settings, addresses[job], args.savepoint, report, ships=bool(args.jobmanager))
            done(f"submitted {job:<7} {job_id}  to {addresses[job]}")
    return 0


def submit(stack: Stack, jobs: Iterable[str] = JOBS, savepoint: str | None = None, report: Report = print) -> None:
    """Submits jobs to the embedded stack from client processes side by side; a single job may resume from a savepoint.

    Raises:
        SubmitError: a client failed; the text quotes the end of its output.
    """
    wanted = list(jobs)
    groups = [[job for job in group if job in wanted] for group in CLIENTS if set(group) & set(wanted)]
    with ThreadPoolExecutor(len(groups) or 1) as pool:
        for failure in list(pool.map(lambda group: _client(stack, group, savepoint, report), groups)):
            if failure:
                raise SubmitError(f"jobs could not be submitted; the client's last lines name the cause:\n{failure}")


def _client(stack: Stack, jobs: Iterable[str], savepoint: str | None, report: Report) -> str:
    """Runs a client, reports its lines as they come, and returns the last ones if it fails, otherwise an empty text."""
    command = [sys.executable, "-m", "commands.cli", "submit", *jobs, *(["--from", savepoint] if savepoint else [])]
    environment = os.environ | {"FIRE_HOME": str(stack.home), "PYTHONPATH": str(ROOT), "FIRE_LOG_FORMAT": "text"}
    # A mini-cluster in this process leaves this variable set, which would keep the client from starting its JVM.
    environment.pop("PYFLINK_GATEWAY_DISABLED", None)
    last: deque[str] = deque(maxlen=QUOTED_LINES)
    with (tempfile.TemporaryFile("w+") as complaints,
          subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=complaints, text=True) as client):
        assert client.stdout  # it is a pipe
        for line in map(str.rstrip, client.stdout):
            last.append(line)
            report(line)
        client.wait()
        complaints.seek(0)
        last.extend(complaints.read().splitlines())
    return "\n".join(last) if client.returncode else ""


def start(job: str, settings: Settings, address: str, savepoint: str | None, report: Report, *, ships: bool) -> str:
    """Submits one job to the JobManager at `host:port`, resuming from `savepoint` if there is one, and returns the job's id.

    `ships` sends the connectors along, which the clusters of the embedded stack have on their class path.
    """
    import importlib

    from pyflink.util.java_utils import add_jars_to_context_class_loader

    module = importlib.import_module(f"jobs.{job}")
    resumed = {"execution.state-recovery.path": savepoint} if savepoint else {}
    planned = {} if job == UNPLANNED else {"plans": _plans(settings, report)}
    jars = [jar.as_uri() for jar in connector_jars(settings, ("parquet",) if job == "archive" else ())]
    add_jars_to_context_class_loader(jars)
    client = module.start(settings, configuration(settings, address, jars if ships else _absent(settings)) | resumed,
                          **planned).get_job_client()
    return str(client.get_job_id())


def _absent(settings: Settings) -> list[str]:
    """Returns the jars that the embedded clusters lack too."""
    return [_kinesis_jar(settings).as_uri()] if settings.uses_kinesis else []


def _plans(settings: Settings, report: Report) -> Plans:
    """Returns the plans of this home; keeps none if the SQL contains a password, which the name of a plan's file would hash."""
    from jobs.flink.plans import Plans

    has_password = settings.kafka_security == "scram" or settings.postgres_secret_arn
    addresses = (settings.kafka_brokers, f"{settings.postgres_host}:{settings.postgres_port}")
    return Plans(None if has_password else Path(settings.home) / "plans", report, addresses)


def configuration(settings: Settings, address: str, jars: list[str]) -> dict[str, str]:
    """Returns Flink's options for a remote session cluster: its address, and the files to ship."""
    host, _, port = address.rpartition(":")
    shipped = {"pipeline.jars": ";".join(jars)} if jars else {}
    return shipped | {"execution.target": "remote", "rest.address": host, "rest.port": port, "execution.attached": "false",
                      "python.files": str(python_files(Path(settings.home))), "python.client.executable": sys.executable,
                      "python.executable": settings.python_executable or sys.executable}


def connector_jars(settings: Settings, groups: tuple[str, ...] = ()) -> list[Path]:
    """Returns the jars that a cluster lacks in its lib folder: the connectors, further `groups`, and PyFlink's own.

    Raises:
        SubmitError: the connectors are not installed.
    """
    import pyflink

    folder = Path(settings.home) / "jars" / "flink"
    connectors = sorted(folder.resolve().glob("*.jar"))
    if not connectors:
        raise SubmitError(f"{folder} contains no connector jars; run ./fire submit, which downloads them")
    if settings.uses_kinesis:
        connectors.append(_kinesis_jar(settings))
    connectors += [jar for group in groups for jar in sorted((folder.parent / group).resolve().glob("*.jar"))]
    return [*connectors, *(Path(pyflink.__path__[0]) / "opt").glob("flink-python-*.jar")]


def _kinesis_jar(settings: Settings) -> Path:
    jar = Path(settings.kinesis_jar)
    if not jar.is_file():
        raise SubmitError(f"FIRE_KINESIS_JAR must name the connector's jar and is {settings.kinesis_jar!r}; download "
                          "org.apache.flink:flink-sql-connector-aws-kinesis-streams:6.0.0-2.0 from a Maven repository")
    return jar.resolve()


def python_files(home: Path) -> Path:
    """Packs what the workers import into a new zip in `home`; an image runs it as `python -m commands.cluster.submit HOME`."""
    target = home / "fire-python.zip"
    # Clients side by side write the same file, so each writes its own and puts it in place when it is whole.
    with (tempfile.NamedTemporaryFile(dir=home, suffix=".zip", delete=False) as part,
          zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive):
        for package in SHIPPED:
            for file in sorted(each for each in (ROOT / package).rglob("*") if each.suffix in (".py", ".toml")):
                archive.write(file, file.relative_to(ROOT))
    Path(part.name).chmod(0o644)
    Path(part.name).replace(target)
    return target.resolve()


def target(jobmanager: str | None) -> tuple[Settings, dict[str, str]]:
    """Returns the settings and the JobManager of each job: `jobmanager`, or those of the stack on this machine.

    Raises:
        SubmitError: `jobmanager` is None and no stack runs on this machine.
    """
    from infra.local.stack import running

    settings = Settings.load()
    if jobmanager:
        return settings, dict.fromkeys((*JOBS, *OPTIONAL), jobmanager)
    stack = running(Path(settings.home))
    if stack is None:
        raise SubmitError("no stack runs on this machine; start it with ./fire up, or name a cluster: --jobmanager host:port")
    return stack.settings(), {"detect": stack.jobmanager, "alert": stack.jobmanager, "store": stack.store_jobmanager,
                              "archive": stack.store_jobmanager}


if __name__ == "__main__":
    print(python_files(Path(sys.argv[1])))
