"""The jar downloader against a repository that the test serves."""

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


def test_another_content_than_locked_is_refused_and_not_kept(tmp_path: Path, repository: str, lock: Path) -> None:
    lock.write_text(f"{PATHS[0]} {digest('something else')} flink/\n")
    with pytest.raises(jars.JarError, match=r"infra/jars\.lock says"):
        fetched(tmp_path, repository)
    assert list((tmp_path / "jars" / "flink").iterdir()) == []


def test_a_jar_that_left_the_lock_leaves_the_folder(tmp_path: Path, repository: str, lock: Path) -> None:
    fetched(tmp_path, repository)
    lock.write_text(lock.read_text().rpartition("org/b")[0])
    fetched(tmp_path, repository)
    assert [jar.name for jar in (tmp_path / "jars" / "flink").iterdir()] == ["a-1.jar"]


def test_an_unreachable_repository_is_named_with_the_remedy(
        tmp_path: Path, lock: Path, repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "ATTEMPTS", 1)
    with pytest.raises(jars.JarError, match="set FIRE_MAVEN_URL"):
        fetched(tmp_path, f"{repository}/absent")


def test_the_lock_holds_every_kind_without_what_flink_has_already() -> None:
    locked = jars.locked(jars.KINDS)
    names = [jar.path for jar in locked]
    assert any("flink-sql-connector-kafka" in name for name in names) and any("kafka_2.13" in name for name in names)
    assert not any("flink-connector-base" in name or "checker-qual" in name for name in names)
    assert {jar.kind for jar in locked} == set(jars.KINDS)
    assert len({(jar.kind, jar.path) for jar in locked}) == len(locked)


def test_nothing_that_only_packagers_and_archivists_need_is_installed_with_the_demo() -> None:
    parts = {part.name for part in install.NEEDS["stack"] if part.kind == "jars"}
    assert parts == {"flink", "kafka"}
