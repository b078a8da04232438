"""The jobs give the same results wherever their state is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contract.declared import CONTRACT
from core.settings import Settings
from jobs.flink import environment
from tests.conftest import VECTORS, Rows
from tests.jobs.test_detect import KEYS, assert_agrees


def test_vectors_and_alerts_are_the_same_with_rocksdb(replay: Callable[..., dict[str, Rows]], replayed: dict[str, Rows]) -> None:
    in_rocksdb = replay(VECTORS / "stream.jsonl.gz", state_backend="rocksdb")
    for result in KEYS:
        assert_agrees(result, in_rocksdb[result])
    assert alerts(in_rocksdb) == alerts(replayed) != set()


def alerts(results: dict[str, Rows]) -> set[tuple[str, ...]]:
    return {tuple(row[name] for name in CONTRACT.result("alerts").key) for row in results["alerts"]}


def test_chosen_backend_is_set_for_every_job_and_only_rocksdb_writes_incremental_checkpoints() -> None:
    def options(**chosen: Any) -> dict[str, str]:
        return {name: value for name, value in environment._options(Settings(**chosen), "detect").items()
                if name.startswith("state.") or name.endswith("incremental")}

    assert options() == {}
    assert options(state_backend="rocksdb") == {"state.backend.type": "rocksdb", "execution.checkpointing.incremental": "true"}
    assert options(state_backend="hashmap") == {"state.backend.type": "hashmap", "execution.checkpointing.incremental": "false"}
