"""`./fire submit`: starts jobs on a Flink cluster, several from one client process.

A client costs some 20 CPU-seconds, most of it for its JVM and the planner's first statement; one process pays that once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import FireError
from jobs.logs import reporter
from jobs.settings import Settings

if TYPE_CHECKING:
    from infra.local.stack import Stack

ROOT = Path(__file__).resolve().parent.parent
JOBS = ("detect", "alert", "store")
"""What runs always; the archive job only where `FIRE_ARCHIVE` names a place."""
"""What is submitted where no job is named; the archive is one more, for those who want it."""
SHIPPED = ("contract", "jobs", "udfs")
"""Packages that Python workers import."""


class SubmitError(FireError):
    """A job could not be submitted; the text says what to do."""


def run(args: argparse.Namespace) -> int:
    """Submits `args.jobs` (all when none is named) to the given JobManager or to the stack of this machine."""
    from infra.local import java

    java.use()
    settings, addresses = target(args.jobmanager)
    report = reporter("submit", settings)
    if args.savepoint and len(args.jobs) != 1:
        raise SubmitError("a savepoint is one job's; name that job: ./fire submit detect --from PATH")
    for job in args.jobs or JOBS:
        started = time.monotonic()
        job_id = start(job, settings, addresses[job], args.savepoint)
        report(f"submitted {job:<7} {job_id}  to {addresses[job]}  ({time.monotonic() - started:.1f} s)")
    return 0


def submit(stack: Stack, jobs: Iterable[str] = JOBS, savepoint: str | None = None) -> None:
    """Submits jobs to the embedded stack from a client process that ends with it; a single one may go on from a savepoint.

    Raises:
        SubmitError: the client failed; the text carries what it said.
    """
    command = [sys.executable, "-m", "jobs.commands", "submit", *jobs, *(["--from", savepoint] if savepoint else [])]
    environment = os.environ | {"FIRE_HOME": str(stack.home), "PYTHONPATH": str(ROOT)}
    # Left behind by a mini-cluster in this process, it would keep the client from starting its JVM.
    environment.pop("PYFLINK_GATEWAY_DISABLED", None)
    client = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if client.returncode:
        said = "\n".join((client.stdout + client.stderr).splitlines()[-30:])
        raise SubmitError(f"jobs could not be submitted; the client said:\n{said}")


def start(job: str, settings: Settings, address: str, savepoint: str | None = None) -> str:
    """Submits one job to the JobManager at `host:port`, to go on from a savepoint if one is given; returns its id."""
    import importlib

    module = importlib.import_module(f"jobs.{job}")
    resumed = {"execution.state-recovery.path": savepoint} if savepoint else {}
    parquet = ("parquet",) if job == "archive" else ()
    client = module.start(settings, dict(configuration(settings, address, parquet)) | resumed).get_job_client()
    return str(client.get_job_id())


def configuration(settings: Settings, address: str, kinds: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Flink's keys for a remote session cluster: where it is, and what to send along, with further `kinds` of jars."""
    host, _, port = address.rpartition(":")
    jars = ";".join(jar.as_uri() for jar in connector_jars(settings, kinds))
    return {"execution.target": "remote", "rest.address": host, "rest.port": port, "pipeline.jars": jars,
            "execution.attached": "false", "python.files": str(python_files(Path(settings.home))),
            "python.client.executable": sys.executable, "python.executable": settings.python_executable or sys.executable}


def connector_jars(settings: Settings, kinds: tuple[str, ...] = ()) -> list[Path]:
    """The jars of the connectors, and PyFlink's own, which a cluster does not have in its lib folder.

    Raises:
        SubmitError: the connectors are not installed.
    """
    import pyflink

    folder = Path(settings.home) / "jars" / "flink"
    connectors = sorted(folder.resolve().glob("*.jar"))
    if not connectors:
        raise SubmitError(f"{folder} holds no connector jar; run ./fire submit, which downloads them")
    if settings.uses_kinesis:
        connectors.append(_kinesis_jar(settings))
    connectors += [jar for kind in kinds for jar in sorted((folder.parent / kind).resolve().glob("*.jar"))]
    return [*connectors, *(Path(pyflink.__path__[0]) / "opt").glob("flink-python-*.jar")]


def _kinesis_jar(settings: Settings) -> Path:
    jar = Path(settings.kinesis_jar)
    if not jar.is_file():
        raise SubmitError(f"FIRE_KINESIS_JAR is {settings.kinesis_jar!r} and must name the connector's jar; download "
                          "org.apache.flink:flink-sql-connector-aws-kinesis-streams:6.0.0-2.0 from a Maven repository")
    return jar.resolve()


def python_files(home: Path) -> Path:
    """Packs what the workers import, each time anew; `python -m jobs.submit HOME` does it for an image."""
    target = home / "fire-python.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in SHIPPED:
            for file in sorted(each for each in (ROOT / package).rglob("*") if each.suffix in (".py", ".toml")):
                archive.write(file, file.relative_to(ROOT))
    return target.resolve()


def target(jobmanager: str | None) -> tuple[Settings, dict[str, str]]:
    """The settings and each job's JobManager: the given one, or those of the stack of this machine.

    Raises:
        SubmitError: no stack runs here and none is given.
    """
    from infra.local.stack import running

    settings = Settings.load()
    if jobmanager:
        return settings, dict.fromkeys((*JOBS, "archive"), jobmanager)
    stack = running(Path(settings.home))
    if stack is None:
        raise SubmitError("no stack runs on this machine; start it with ./fire up, or name a cluster: --jobmanager host:port")
    return stack.settings(), {"detect": stack.jobmanager, "alert": stack.jobmanager, "store": stack.store_jobmanager,
                              "archive": stack.store_jobmanager}


if __name__ == "__main__":
    print(python_files(Path(sys.argv[1])))
