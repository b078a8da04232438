"""Whether the pipeline is well: jobs and checkpoints from Flink's REST interface, lag and rates from Kafka.

A thread of its own looks every few seconds, so that no request waits for a part that is away.
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
"""How long the first page waits for the first look."""
JOBS = tuple(f"fire-{job}" for job in jobs.JOBS)
RUNNING = "RUNNING"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """What was seen at one time; `readings_per_second` is None where Kafka does not tell."""

    at: datetime
    jobs: list[dict[str, Any]] = field(default_factory=list)
    flink_away: tuple[str, ...] = ()
    kafka_answers: bool = False
    lag: list[dict[str, Any]] = field(default_factory=list)
    readings_per_second: float | None = None


class Health:
    """Looks at Flink and Kafka from `start` to `close`; `look` is what was seen last."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], every: float = EVERY_SECONDS) -> None:
        self._addresses = tuple(filter(None, settings.flink_addresses.split(",")))
        self._offsets = Offsets(settings)
        self._clock, self._every = clock, every
        self._seen = threading.Event()
        self._stop = threading.Event()
        self._look = Look(clock(), flink_away=self._addresses)
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def close(self) -> None:
        """Ends; a look that is under way is not waited for."""
        self._stop.set()

    @property
    def look(self) -> Look:
        """What was seen last; the first caller waits for the first look."""
        if self._thread.is_alive():
            self._seen.wait(FIRST_SECONDS)
        return self._look

    @property
    def watches_flink(self) -> bool:
        """Whether there are clusters to look at."""
        return bool(self._addresses)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._look = self._looked()
            except Exception:  # a part that answers nonsense must not blind the dashboard for ever
                log.exception("the pipeline could not be looked at; tried again in %g s", self._every)
                self._look = Look(self._clock(), flink_away=self._addresses)
            self._seen.set()
            self._stop.wait(self._every)
        self._offsets.close()

    def _looked(self) -> Look:
        jobs, away = _clusters(self._addresses)
        try:
            lag, rate = self._offsets.lag(), self._offsets.rate("readings")
        except (KafkaError, OSError) as problem:
            log.warning("Kafka does not answer: %s", problem)
            self._offsets.close()
            return Look(self._clock(), jobs, away)
        return Look(self._clock(), jobs, away, True, lag, rate)


def _clusters(addresses: tuple[str, ...]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The newest job of each name on all clusters, and the clusters that do not answer."""
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
