"""Observes the pipeline: jobs and checkpoints through Flink's REST API, lag and rates through Kafka.

A thread of its own polls every few seconds, so that no request waits for an unreachable part.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kafka.errors import KafkaError

from contract import jobs
from core import flink_rest
from core.settings import Settings
from services.dashboard.live.offsets import Offsets
from services.dashboard.views.json_rows import stamp

EVERY_SECONDS = 5.0
FIRST_SECONDS = 4.0
"""How long the first page waits for the first snapshot."""
JOBS = tuple(f"fire-{job}" for job in jobs.JOBS)
RUNNING = "RUNNING"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """The state of the pipeline at one time; `readings_per_second` is None if unknown."""

    at: datetime
    jobs: list[dict[str, Any]] = field(default_factory=list)
    flink_away: tuple[str, ...] = ()
    kafka_answers: bool = False
    lag: list[dict[str, Any]] = field(default_factory=list)
    readings_per_second: float | None = None


class Health:
    """Polls Flink and Kafka from `start` to `close`; `snapshot` is the latest state."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], every: float = EVERY_SECONDS) -> None:
        self._addresses = tuple(filter(None, settings.flink_addresses.split(",")))
        self._offsets = Offsets(settings)
        self._clock, self._every = clock, every
        self._seen = threading.Event()
        self._stop = threading.Event()
        self._snapshot = Snapshot(clock(), flink_away=self._addresses)
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Starts polling."""
        self._thread.start()

    def close(self) -> None:
        """Stops polling, without waiting for a poll under way."""
        self._stop.set()

    @property
    def snapshot(self) -> Snapshot:
        """The latest snapshot; the first callers wait up to 4 s for the first one."""
        if self._thread.is_alive():
            self._seen.wait(FIRST_SECONDS)
        return self._snapshot

    @property
    def watches_flink(self) -> bool:
        """Whether any Flink cluster is configured."""
        return bool(self._addresses)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._snapshot = self._taken()
            except Exception:  # one malformed answer must not end the polling
                log.exception("the pipeline could not be observed; next attempt in %g s", self._every)
                self._snapshot = Snapshot(self._clock(), flink_away=self._addresses)
            self._seen.set()
            self._stop.wait(self._every)
        self._offsets.close()

    def _taken(self) -> Snapshot:
        jobs, away = _clusters(self._addresses)
        try:
            lag, rate = self._offsets.lag(), self._offsets.rate("readings")
        except (KafkaError, OSError) as problem:
            log.warning("Kafka does not answer: %s", problem)
            self._offsets.close()
            return Snapshot(self._clock(), jobs, away)
        return Snapshot(self._clock(), jobs, away, True, lag, rate)


def _clusters(addresses: tuple[str, ...]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Returns the newest job of each name across all clusters, and the addresses of the clusters that do not answer."""
    newest: dict[str, dict[str, Any]] = {}
    away = []
    for address in addresses:
        overview = flink_rest.get(address, "/jobs/overview")
        if overview is None:
            away.append(address)
            continue
        for listed in sorted(overview["jobs"], key=lambda each: int(each["start-time"])):
            if listed["name"].startswith("fire-"):
                newest[listed["name"]] = _job(address, listed)
    return [newest[name] for name in sorted(newest)], tuple(away)


def _job(address: str, listed: Mapping[str, Any]) -> dict[str, Any]:
    path = f"/jobs/{listed['jid']}"
    metrics = flink_rest.get(address, f"{path}/metrics?get=numRestarts") or [{"value": "0"}]
    checkpoints = flink_rest.get(address, f"{path}/checkpoints") or {}
    history = (flink_rest.get(address, f"{path}/exceptions") or {}).get("exceptionHistory", {}).get("entries", [])
    return {"name": listed["name"], "state": listed["state"], "restarts": int(metrics[0]["value"]),
            "started_at": _time(listed["start-time"]), "last_checkpoint": _checkpoint(checkpoints),
            "trouble": history[0]["stacktrace"].splitlines()[0] if history else None}


def _checkpoint(checkpoints: Mapping[str, Any]) -> dict[str, Any] | None:
    last = (checkpoints.get("latest") or {}).get("completed")
    if not last:
        return None
    return {"at": _time(last["latest_ack_timestamp"]), "duration_ms": last["end_to_end_duration"],
            "size_bytes": last["state_size"]}


def _time(epoch_ms: int) -> str:
    return stamp(datetime.fromtimestamp(epoch_ms / 1000, UTC))
