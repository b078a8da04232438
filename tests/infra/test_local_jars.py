"""The jar downloader, with a repository served by the test."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.local import install, jars

PATHS = ("org/a/1/a-1.jar", "org/b/2/b-2.jar")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    for path in PATHS:
        file = tmp_path / "served" / path
        file.parent.mkdir(parents=True)
        file.write_bytes(path.encode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "jars.lock"
    path.write_text("# made for a test\n" + "".join(f"{jar} {digest(jar)} flink/\n" for jar in PATHS))
    monkeypatch.setattr(jars.locked, "__defaults__", (path,))
    return path


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def fetched(home: Path, repository: str) -> list[str]:
    names: list[str] = []
    jars.download(home, ["flink"], repository, lambda done, of, name: names.append(name))
    return sorted(names)


def test_all_jars_are_fetched_once(tmp_path: Path, repository: str, lock: Path) -> None:
    assert fetched(tmp_path, repository) == ["a-1.jar", "b-2.jar"]
    assert jars.missing(tmp_path, ["flink"]) == []
    assert fetched(tmp_path, repository) == []


def test_a_damaged_jar_is_fetched_again(tmp_path: Path, repository: str, lock: Path) -> None:
    fetched(tmp_path, repository)
    (tmp_path / "jars" / "flink" / "a-1.jar").write_text("damaged")
    assert fetched(tmp_path, repository) == ["a-1.jar"]


def test_content_that_differs_from_the_lock_is_refused_and_deleted(tmp_path: Path, repository: str, lock: Path) -> None:
    lock.write_text(f"{PATHS[0]} {digest('something else')} flink/\n")
    with pytest.raises(jars.JarError, match=r"must have the SHA-256 \w+ of infra/jars\.lock"):
        fetched(tmp_path, repository)
    assert list((tmp_path / "jars" / "flink").iterdir()) == []


def test_a_jar_that_is_no_longer_locked_is_deleted(tmp_path: Path, repository: str, lock: Path) -> None:
    fetched(tmp_path, repository)
    lock.write_text(lock.read_text().rpartition("org/b")[0])
    fetched(tmp_path, repository)
    assert [jar.name for jar in (tmp_path / "jars" / "flink").iterdir()] == ["a-1.jar"]


def test_an_unreachable_repository_is_named_with_the_remedy(
        tmp_path: Path, lock: Path, repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "ATTEMPTS", 1)
    with pytest.raises(jars.JarError, match="set FIRE_MAVEN_URL"):
        fetched(tmp_path, f"{repository}/absent")


def test_the_lock_has_every_group_without_jars_that_flink_already_has() -> None:
    locked = jars.locked(jars.KINDS)
    names = [jar.path for jar in locked]
    assert any("flink-sql-connector-kafka" in name for name in names) and any("kafka_2.13" in name for name in names)
    assert not any("flink-connector-base" in name or "checker-qual" in name for name in names)
    assert {jar.kind for jar in locked} == set(jars.KINDS)
    assert len({(jar.kind, jar.path) for jar in locked}) == len(locked)


def test_the_demo_installs_nothing_that_only_the_package_or_the_archive_needs() -> None:
    parts = {part.name for part in install.NEEDS["stack"] if part.kind == "jars"}
    assert parts == {"flink", "kafka"}
