"""Downloads the jars of infra/jars.lock and checks their hashes: `python -m infra.local.jars HOME flink kafka`.

The lock has a line for each jar: its path in a Maven repository, its SHA-256, and its group, which is also its folder.
`python -m infra.local.jars --lock` writes the lock from infra/pom.xml; this needs Maven, the download does not.
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
"""Groups that not every repository has; the lock is written without them if they cannot be resolved."""
THREADS = 6
ATTEMPTS = 4
TIMEOUT_SECONDS = 60
HEADER = "# Made from pom.xml by `python -m infra.local.jars --lock`: path in a Maven repository, SHA-256, folder.\n"


class JarError(FireError):
    """A jar could not be fetched or differs from the lock; the text names the jar and the remedy."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock; `kind` is the jar's group."""

    path: str
    sha256: str
    kind: str

    def target(self, home: Path) -> Path:
        """Returns the path of the downloaded jar."""
        return home / "jars" / self.kind / self.path.rpartition("/")[2]


def locked(kinds: Iterable[str], lock: Path = LOCK) -> list[Jar]:
    """Returns the jars of these groups, in the order of the lock."""
    wanted = {f"{kind}/" for kind in kinds}
    lines = (line.split() for line in lock.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [Jar(path, digest, folder[:-1]) for path, digest, folder in lines if folder in wanted]


def missing(home: Path, kinds: Iterable[str]) -> list[Jar]:
    """Returns the jars of these groups that are missing or differ from the lock."""
    return [jar for jar in locked(kinds) if not is_right(jar, home)]


def is_right(jar: Jar, home: Path) -> bool:
    """Returns whether the jar has been downloaded and has the locked content."""
    target = jar.target(home)
    return target.exists() and sha256(target) == jar.sha256


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(home: Path, kinds: Sequence[str], base: str, report: Callable[[int, int, str], None]) -> None:
    """Brings `home/jars` in line with the lock; calls `report(done, total, name)` after each download.

    Raises:
        JarError: a jar could not be fetched, or its content differs from the lock.
    """
    _remove_strangers(home, kinds)
    wanted = missing(home, kinds)
    with ThreadPoolExecutor(THREADS) as pool:
        futures = {pool.submit(_fetch, jar, home, base): jar for jar in wanted}
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            report(done, len(wanted), futures[future].target(home).name)


def _remove_strangers(home: Path, kinds: Sequence[str]) -> None:
    """Deletes jars that are not in the lock, as those of an older lock would stay on the class path."""
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
    digest = sha256(part)
    if digest != jar.sha256:
        part.unlink()
        raise JarError(f"{jar.path} must have the SHA-256 {jar.sha256} of infra/jars.lock and has {digest}; "
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
        raise JarError("infra/jars.lock is written with Maven, but mvn is not on the PATH; install it, or keep the lock")
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for kind in KINDS for line in _resolve(maven, kind, Path(folder) / kind)]
        lines += [line for kind in OPTIONAL for line in _resolve_if_there(maven, kind, Path(folder) / kind)]
    LOCK.write_text(HEADER + "".join(lines), encoding="utf-8")


def _resolve_if_there(maven: str, kind: str, folder: Path) -> list[str]:
    try:
        return _resolve(maven, kind, folder)
    except subprocess.CalledProcessError:
        print(f"the jars of {kind} cannot be resolved here; the lock is written without them")
        return []


def _resolve(maven: str, kind: str, folder: Path) -> list[str]:
    subprocess.run([maven, "-q", "-B", "-f", str(POM), f"-P{kind}", "dependency:copy-dependencies",
                    "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={folder}"],
                   check=True)
    return sorted(f"{jar.relative_to(folder)} {sha256(jar)} {kind}/\n" for jar in folder.rglob("*.jar"))


def repository() -> str:
    """Returns the address of the Maven repository: FIRE_MAVEN_URL, or else Maven Central."""
    from jgo.constants import MAVEN_CENTRAL_URL

    from core.settings import Settings

    return Settings.load().maven_url or str(MAVEN_CENTRAL_URL)


def main() -> int:
    """Downloads the jars named on the command line, or writes the lock with `--lock`."""
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
