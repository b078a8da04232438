"""Fixtures of several test modules: rows of the vectors, replays that run once per session, servers; and the order of tests."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.brokers import brokers
from tests.support.databases import connection, database, server
from tests.support.stacks import stack

__all__ = ["brokers", "connection", "database", "server", "stack"]
Rows = list[dict[str, Any]]
VECTORS = Path(__file__).parent / "vectors"
ORDER = ("core", "contract", "udfs", "", "commands", "infra", "services",
         "core/test_secrets_manager.py", "udfs/test_event_time.py", "udfs/test_functions.py", "infra/test_managed_flink_jar.py",
         "commands/test_evaluate.py", "jobs", "end_to_end", "end_to_end/test_end_of_the_stack.py")
"""Folders and files in order: first tests without Java, so that a failure shows early, last tests with the whole stack."""
JVM_ARGS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of Flink clients, which plan many jobs and compute little: without the optimising compiler they take half the time."""
os.environ.setdefault("JVM_ARGS", JVM_ARGS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the tests by `ORDER`."""
    items.sort(key=lambda item: rank(item.path.relative_to(Path(__file__).parent)))


def rank(file: Path) -> int:
    """Returns the position of a file in `ORDER`; a file whose folder is not listed has that of a file without a folder."""
    listed = [ORDER.index(name) for name in (str(file), file.parts[0]) if name in ORDER]
    return listed[0] if listed else ORDER.index("")


def rows(file: Path) -> Rows:
    """Reads the rows of a file of JSON lines, plain or gzip."""
    with (gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8")) as lines:
        return [json.loads(line) for line in lines]


def epoch_ms(iso: str) -> int:
    """Converts `2025-10-09T09:00:00.000Z` to epoch milliseconds."""
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def message(device: str = "dev-1", idx: int = 0, at: int = 0, **more: Any) -> bytes:
    """Builds a device message, `at` seconds after the start of an hour."""
    body = {"deviceId": device, "idx": idx, "timestamp": 1_760_000_400_000 + round(at * 1000), "status": 0, "pcbTemp": 30.0}
    return json.dumps(body | more).encode()


@pytest.fixture(scope="session")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Rows]]:
    """Runs the real detect and alert jobs over messages on the local mini-cluster; returns the rows of every result."""
    from commands.replay import replay as job
    from core.settings import Settings

    def run(messages: list[bytes] | Path, parallelism: int = 1, **settings: Any) -> dict[str, Rows]:
        folder = tmp_path_factory.mktemp("replay")
        file = messages if isinstance(messages, Path) else folder / "telemetry.jsonl"
        if isinstance(messages, list):
            file.write_bytes(b"".join(each + b"\n" for each in messages))
        job.replay([file], folder / "out", parallelism, Settings(**settings))
        return {each.stem: rows(each) for each in (folder / "out").glob("*.jsonl")}

    return run


@pytest.fixture(scope="session")
def replayed(replay: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    """Returns every result of the vectors' stream."""
    return replay(VECTORS / "stream.jsonl.gz")


@pytest.fixture(scope="session")
def detect(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Rows]]:
    """Runs the real detect job alone over messages on the local mini-cluster; returns the rows of every result."""
    from commands.replay.replay import local_configuration
    from core.settings import Settings
    from jobs import detect as job

    def run(messages: list[bytes], **settings: Any) -> dict[str, Rows]:
        folder = tmp_path_factory.mktemp("detect")
        (folder / "telemetry.jsonl").write_bytes(b"".join(each + b"\n" for each in messages))
        job.start(Settings(source="file", file_input=str(folder / "telemetry.jsonl"), file_output=str(folder / "out"),
                           **{"parallelism": 1, **settings}), local_configuration()).wait()
        return {result: [row for part in sorted((folder / "out" / result).rglob("part-*")) for row in rows(part)]
                for result in job.RESULTS}

    return run


@pytest.fixture(scope="session")
def packed() -> tuple[list[bytes], dict[str, int]]:
    """Returns the messages of all golden cases and of the safety criteria, and when each case starts, epoch ms."""
    from tests.jobs import test_safety_criteria, test_views
    from tests.support.packing import pack

    return pack([*test_views.CASES, *test_safety_criteria.CASES])


@pytest.fixture(scope="session")
def case_starts(packed: tuple[list[bytes], dict[str, int]]) -> dict[str, int]:
    """Returns when each case starts, epoch ms."""
    return packed[1]


@pytest.fixture(scope="session")
def cases(packed: tuple[list[bytes], dict[str, int]], detect: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    """Returns every result of all cases, from one run."""
    return detect(packed[0])
