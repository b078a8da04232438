"""Downloads the jars of infra/jars.lock, checked by hash: `python -m infra.local.jars HOME flink kafka`.

The lock holds a line for each jar: its path in a Maven repository, its SHA-256, and the folder it goes to.
`python -m infra.local.jars --lock` makes it anew from infra/pom.xml; that needs Maven, the download does not.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from core.errors import FireError
from core.installation import ROOT

LOCK = ROOT / "infra" / "jars.lock"
POM = ROOT / "infra" / "pom.xml"
KINDS = ("flink", "kafka", "managed-flink", "parquet", "s3")
OPTIONAL = ("kinesis",)
"""Kinds that not every repository has; the lock is made without them where they cannot be resolved."""
THREADS = 6
ATTEMPTS = 4
TIMEOUT_SECONDS = 60
HEADER = "# Made from pom.xml by `python -m infra.local.jars --lock`: path in a Maven repository, SHA-256, folder.\n"


class JarError(FireError):
    """A jar could not be fetched, or is not the one that the lock names."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    path: str
    sha256: str
    kind: str

    def target(self, home: Path) -> Path:
        """Where the jar lies once downloaded."""
        return home / "jars" / self.kind / self.path.rpartition("/")[2]


def locked(kinds: Iterable[str], lock: Path = LOCK) -> list[Jar]:
    """The jars of these kinds, in the lock's order."""
    wanted = {f"{kind}/" for kind in kinds}
    lines = (line.split() for line in lock.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [Jar(path, digest, folder[:-1]) for path, digest, folder in lines if folder in wanted]


def missing(home: Path, kinds: Iterable[str]) -> list[Jar]:
    """The jars that are absent or differ from the lock."""
    return [jar for jar in locked(kinds) if not is_right(jar, home)]


def is_right(jar: Jar, home: Path) -> bool:
    """Whether the jar is there with the locked content."""
    target = jar.target(home)
    return target.exists() and sha256(target) == jar.sha256


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(home: Path, kinds: Sequence[str], base: str, report: Callable[[int, int, str], None]) -> None:
    """Makes `home/jars` what the lock says; `report(done, of, name)` after each jar.

    Raises:
        JarError: a jar could not be fetched, or has another content than the lock says.
    """
    _remove_strangers(home, kinds)
    wanted = missing(home, kinds)
    with ThreadPoolExecutor(THREADS) as pool:
        futures = {pool.submit(_fetch, jar, home, base): jar for jar in wanted}
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            report(done, len(wanted), futures[future].target(home).name)


def _remove_strangers(home: Path, kinds: Sequence[str]) -> None:
    """Jars of an older lock would stay on the class path."""
    expected = {jar.target(home) for jar in locked(kinds)}
    for kind in kinds:
        for path in (home / "jars" / kind).glob("*"):
            if path not in expected:
                path.unlink()


def _fetch(jar: Jar, home: Path, base: str) -> None:
    target = jar.target(home)
    part = target.with_suffix(".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    _retrieve(f"{base.rstrip('/')}/{jar.path}", part)
    found = sha256(part)
    if found != jar.sha256:
        part.unlink()
        raise JarError(f"{jar.path} has the SHA-256 {found}, infra/jars.lock says {jar.sha256}; "
                       "try again, or set FIRE_MAVEN_URL to another repository")
    part.replace(target)


def _retrieve(url: str, part: Path) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response, part.open("wb") as file:
                shutil.copyfileobj(response, file)
            return
        except OSError as error:
            if attempt == ATTEMPTS:
                raise JarError(f"{url} could not be fetched: {error}; check the network, or set FIRE_MAVEN_URL to a "
                               "reachable Maven repository") from error
            time.sleep(attempt)


def write_lock() -> None:
    """Resolves the pom with Maven and writes infra/jars.lock."""
    maven = shutil.which("mvn")
    if maven is None:
        raise JarError("making infra/jars.lock needs Maven, and no mvn is on the PATH; install it, or keep the lock")
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for kind in KINDS for line in _resolve(maven, kind, Path(folder) / kind)]
        lines += [line for kind in OPTIONAL for line in _resolve_if_there(maven, kind, Path(folder) / kind)]
    LOCK.write_text(HEADER + "".join(lines), encoding="utf-8")


def _resolve_if_there(maven: str, kind: str, folder: Path) -> list[str]:
    try:
        return _resolve(maven, kind, folder)
    except subprocess.CalledProcessError:
        print(f"the jars of {kind} cannot be resolved here; the lock is made without them")
        return []


def _resolve(maven: str, kind: str, folder: Path) -> list[str]:
    subprocess.run([maven, "-q", "-B", "-f", str(POM), f"-P{kind}", "dependency:copy-dependencies",
                    "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={folder}"],
                   check=True)
    return sorted(f"{jar.relative_to(folder)} {sha256(jar)} {kind}/\n" for jar in folder.rglob("*.jar"))


def repository() -> str:
    """The Maven repository to fetch from: FIRE_MAVEN_URL, else Maven Central."""
    from jgo.constants import MAVEN_CENTRAL_URL

    from core.settings import Settings

    return Settings.load().maven_url or str(MAVEN_CENTRAL_URL)


def main() -> int:
    if sys.argv[1:] == ["--lock"]:
        write_lock()
        return 0
    try:
        download(Path(sys.argv[1]), sys.argv[2:], repository(),
                 lambda done, of, name: print(f"{done} of {of} {name}", flush=True))
    except JarError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
