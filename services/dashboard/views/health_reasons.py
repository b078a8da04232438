"""The reasons why the system is DEGRADED, with their figures; it is HEALTHY without any, and unknown never counts as healthy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.dashboard.live.health import JOBS, RUNNING, Snapshot
from services.dashboard.sources import Sources

SILENT_SHARE = 0.2
"""A larger share of silent devices than this points to a fault of the system rather than of the devices."""
LAG_SECONDS = 60.0
LEAST_LAG = 5_000
LEAST_CHECKPOINT_AGE = timedelta(seconds=90)
CHECKPOINTS_MISSED = 6


def reasons(sources: Sources, snapshot: Snapshot, devices: dict[str, Any], *, database: bool) -> list[dict[str, Any]]:
    """Returns the reasons, most serious first; `database` says whether the database answers."""
    causes: list[dict[str, Any]] = []
    if not database:
        causes.append(_reason("DATABASE_AWAY", "the database does not answer; the figures are the last known ones"))
    if not (snapshot.kafka_answers and sources.feed.state.stream):
        causes.append(_reason("STREAM_AWAY", "Kafka does not answer; new alerts appear only once they are stored"))
    causes += [_reason("FLINK_AWAY", f"Flink does not answer on {address}", address=address) for address in snapshot.flink_away]
    if sources.health.watches_flink and not snapshot.flink_away:
        causes += _jobs(snapshot)
    causes += _checkpoints(sources, snapshot) + _lag(snapshot)
    return causes + _fleet(devices)


def _reason(code: str, detail: str, **values: Any) -> dict[str, Any]:
    return {"code": code, "values": values, "detail": detail}


def _jobs(snapshot: Snapshot) -> list[dict[str, Any]]:
    states = {job["name"]: job["state"] for job in snapshot.jobs}
    return [_reason("JOB_NOT_RUNNING", f"the job {name} is {states.get(name, 'missing')}", job=name, state=states.get(name))
            for name in JOBS if states.get(name) != RUNNING]


def _checkpoints(sources: Sources, snapshot: Snapshot) -> list[dict[str, Any]]:
    """Returns a reason for each running job whose last checkpoint, or whose start, is too long ago."""
    longest = max(LEAST_CHECKPOINT_AGE, timedelta(seconds=CHECKPOINTS_MISSED * sources.settings.checkpoint_seconds))
    causes = []
    for job in snapshot.jobs if sources.settings.checkpoint_seconds else ():
        last = job["last_checkpoint"]
        age = snapshot.at - datetime.fromisoformat(last["at"] if last else job["started_at"])
        if job["state"] == RUNNING and age > longest:
            seconds = round(age.total_seconds())
            causes.append(_reason("STALE_CHECKPOINT", f"the job {job['name']} has completed no checkpoint for {seconds} s",
                                  job=job["name"], seconds=seconds))
    return causes


def _lag(snapshot: Snapshot) -> list[dict[str, Any]]:
    bearable = max(LEAST_LAG, LAG_SECONDS * (snapshot.readings_per_second or 0))
    return [_reason("LAG", f"{each['group']} is {each['lag']:,} messages behind in {each['topic']}", **each)
            for each in snapshot.lag if each["lag"] > bearable]


def _fleet(devices: dict[str, Any]) -> list[dict[str, Any]]:
    total, silent = devices["total"], devices["silent"]
    if silent == total:
        return [_reason("NO_READINGS", "no device has reported for 5 minutes", devices=total)]
    if silent > SILENT_SHARE * total:
        detail = f"{silent:,} of {total:,} devices have not reported for 5 minutes"
        return [_reason("SILENT_SHARE", detail, silent=silent, devices=total, share=round(silent / total, 3))]
    return []
