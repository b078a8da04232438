"""Installs what a command needs into the home folder, once: a venv with hash-checked packages, and the locked jars.

Uses only the standard library. A complete part has a stamp with the hash of its source, so that later starts take only a
few milliseconds; a venv whose installation was interrupted is created again.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core import installation
from core.errors import FireError
from infra.local import processes
from infra.local.progress import Progress

UNFINISHED = "installing"
COUNTED = re.compile(r"^(\d+) of (\d+) (.*)")
PACKAGE = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([\w.\-]+)")
REQUIREMENT = re.compile(r"^[\w.\-]+==", re.MULTILINE)


class InstallError(FireError):
    """A part could not be installed; the text quotes the end of the log and gives the remedy."""


@dataclass(frozen=True)
class Part:
    """One part of the installation: the packages of a requirements file, or the jars of one group (`kind` tells which)."""

    name: str
    source: Path
    kind: str

    def stamp(self, home: Path) -> Path:
        """Returns the file that records the source from which this part was completely installed."""
        return home / ("venv" if self.kind == "packages" else "jars") / f"{self.name}.stamp"

    def fingerprint(self, home: Path) -> str:
        """Returns the expected content of the stamp: the source's hash and, for packages, the venv's Python version."""
        version = _venv_version(home) if self.kind == "packages" else ""
        return f"{hashlib.sha256(self.source.read_bytes()).hexdigest()} {version}".strip()

    def complete(self, home: Path) -> bool:
        """Returns whether this part is installed from the present state of its source."""
        if self.kind == "packages" and not installation.venv_python(home).exists():
            return False
        try:
            return self.stamp(home).read_text() == self.fingerprint(home)
        except FileNotFoundError:
            return False

    def settle(self, home: Path) -> None:
        """Writes the stamp that marks the part as complete."""
        self.stamp(home).write_text(self.fingerprint(home))


PYTHON = Part("requirements", installation.ROOT / "requirements.txt", "packages")
TESTING = Part("requirements-dev", installation.ROOT / "requirements-dev.txt", "packages")
FLINK = Part("flink", installation.ROOT / "infra" / "jars.lock", "jars")
KAFKA = Part("kafka", installation.ROOT / "infra" / "jars.lock", "jars")
MANAGED_FLINK = Part("managed-flink", installation.ROOT / "infra" / "jars.lock", "jars")
PARQUET = Part("parquet", installation.ROOT / "infra" / "jars.lock", "jars")
S3 = Part("s3", installation.ROOT / "infra" / "jars.lock", "jars")
NEEDS = {"none": (), "python": (PYTHON,), "flink": (PYTHON, FLINK), "stack": (PYTHON, FLINK, KAFKA),
         "archive": (PYTHON, FLINK, KAFKA, PARQUET, S3),
         "package": (PYTHON, FLINK, MANAGED_FLINK),
         "test": (PYTHON, TESTING, FLINK, KAFKA, MANAGED_FLINK, PARQUET, S3)}


def ensure(home: Path, needs: str) -> None:
    """Installs the missing parts of a command's needs, after waiting for any other installation into the same home.

    Raises:
        InstallError: the installation failed; the next attempt keeps or repairs what was installed.
    """
    if all(part.complete(home) for part in NEEDS[needs]):
        return
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        _install([part for part in NEEDS[needs] if not part.complete(home)], home)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another ./fire is installing; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(parts: list[Part], home: Path) -> None:
    packages = [part for part in parts if part.kind == "packages"]
    jars = [part for part in parts if part.kind == "jars"]
    if packages:
        _install_packages(packages, home)
    if jars:
        _download_jars(jars, home)
    for part in jars:
        part.settle(home)


def _install_packages(parts: list[Part], home: Path) -> None:
    unfinished = home / UNFINISHED
    python = installation.venv_python(home)
    if unfinished.exists() or not _runs(python):
        shutil.rmtree(home / "venv", ignore_errors=True)
        _make_venv(home)
    unfinished.touch()
    total = sum(len(REQUIREMENT.findall(part.source.read_text())) for part in parts)
    files = [word for part in parts for word in ("-r", str(part.source))]
    command = [str(python), "-m", "pip", "install", "--require-hashes", "--no-input", "--disable-pip-version-check",
               "--progress-bar", "off", *files]
    _run(command, "Python packages (first use only)", home,
         "check the network and the disk, then run the command again; ./fire doctor reports more", total)
    for part in parts:
        part.settle(home)
    unfinished.unlink()


def _runs(python: Path) -> bool:
    """Returns whether a venv exists and can run pip; its base Python may have been removed."""
    return python.exists() and subprocess.run([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL,
                                              check=False).returncode == 0


def _make_venv(home: Path) -> None:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    _run([sys.executable, "-m", "venv", str(home / "venv")], "Python environment", home,
         f"if ensurepip is missing, install the package {python}-venv of your system", 0)


def _download_jars(parts: list[Part], home: Path) -> None:
    (home / "jars").mkdir(exist_ok=True)
    command = [str(installation.venv_python(home)), "-m", "infra.local.jars", str(home), *(part.name for part in parts)]
    _run(command, "Flink's and Kafka's jars (first use only)", home, "check the network, then run the command again", 0)


def _run(command: list[str], step: str, home: Path, remedy: str, total: int) -> None:
    log = home / "install.log"
    done = 0
    with (Progress(step) as progress, log.open("w", encoding="utf-8", buffering=1) as file,
          subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=installation.ROOT,
                           stdin=subprocess.DEVNULL, errors="replace") as child):
        for line in child.stdout or ():
            file.write(line)
            done = _show(progress, line, done, total)
    if child.returncode:
        raise InstallError(f"{step}: the command ended with exit code {child.returncode}; the end of {log}:\n"
                           f"{processes.tail(log)}\nRemedy: {remedy}.")


def _show(progress: Progress, line: str, done: int, total: int) -> int:
    """Shows a line of pip or of the downloader as progress; returns the number of packages seen so far."""
    counted, package = COUNTED.match(line), PACKAGE.match(line)
    if counted:
        progress.at(line.strip())
    elif package:
        done += 1
        progress.at(f"{min(done, total)} of {total} {package.group(1)}")
    elif line.startswith("Installing collected"):
        progress.at(f"unpacking {total}")
    return done


def _venv_version(home: Path) -> str:
    config = home / "venv" / "pyvenv.cfg"
    match = re.search(r"^version\s*=\s*(\S+)", config.read_text(), re.MULTILINE) if config.exists() else None
    return match.group(1) if match else "?"
