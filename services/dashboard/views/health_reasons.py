"""Why the system is DEGRADED: one reason each with its figures, none when all is well. What is not known is never well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.dashboard.live.health import JOBS, RUNNING, Look
from services.dashboard.sources import Sources

SILENT_SHARE = 0.2
"""More silent devices than this share of the fleet is a fault of the system rather than of devices."""
LAG_SECONDS = 60.0
LEAST_LAG = 5_000
LEAST_CHECKPOINT_AGE = timedelta(seconds=90)
CHECKPOINTS_MISSED = 6


def reasons(sources: Sources, look: Look, devices: dict[str, Any], *, database: bool) -> list[dict[str, Any]]:
    """The reasons, the gravest first."""
    found: list[dict[str, Any]] = []
    if not database:
        found.append(_reason("DATABASE_AWAY", "the database does not answer; figures are the last that it gave"))
    if not (look.kafka_answers and sources.feed.state.stream):
        found.append(_reason("STREAM_AWAY", "Kafka does not answer; new alerts are seen only once they are stored"))
    found += [_reason("FLINK_AWAY", f"Flink does not answer on {address}", address=address) for address in look.flink_away]
    if sources.health.watches_flink and not look.flink_away:
        found += _jobs(look)
    found += _checkpoints(sources, look) + _lag(look)
    return found + _fleet(look, devices)


def _reason(code: str, detail: str, **values: Any) -> dict[str, Any]:
    return {"code": code, "values": values, "detail": detail}


def _jobs(look: Look) -> list[dict[str, Any]]:
    states = {job["name"]: job["state"] for job in look.jobs}
    return [_reason("JOB_NOT_RUNNING", f"the job {name} is {states.get(name, 'not there')}", job=name, state=states.get(name))
            for name in JOBS if states.get(name) != RUNNING]


def _checkpoints(sources: Sources, look: Look) -> list[dict[str, Any]]:
    """A job's checkpoint is judged once the job has had time for one."""
    longest = max(LEAST_CHECKPOINT_AGE, timedelta(seconds=CHECKPOINTS_MISSED * sources.settings.checkpoint_seconds))
    found = []
    for job in look.jobs if sources.settings.checkpoint_seconds else ():
        last = job["last_checkpoint"]
        age = look.at - datetime.fromisoformat(last["at"] if last else job["started_at"])
        if job["state"] == RUNNING and age > longest:
            seconds = round(age.total_seconds())
            found.append(_reason("STALE_CHECKPOINT", f"the job {job['name']} has made no checkpoint for {seconds} s",
                                 job=job["name"], seconds=seconds))
    return found


def _lag(look: Look) -> list[dict[str, Any]]:
    bearable = max(LEAST_LAG, LAG_SECONDS * (look.readings_per_second or 0))
    return [_reason("LAG", f"{each['group']} is {each['lag']:,} messages behind in {each['topic']}", **each)
            for each in look.lag if each["lag"] > bearable]


def _fleet(look: Look, devices: dict[str, Any]) -> list[dict[str, Any]]:
    total, silent = devices["total"], devices["silent"]
    if silent == total:
        return [_reason("NO_READINGS", "no device has reported for 5 minutes", devices=total)]
    if silent > SILENT_SHARE * total:
        detail = f"{silent:,} of {total:,} devices have not reported for 5 minutes"
        return [_reason("SILENT_SHARE", detail, silent=silent, devices=total, share=round(silent / total, 3))]
    return []
