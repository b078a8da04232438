"""`./fire stop`: stops jobs, each with a savepoint from which `./fire submit JOB --from PATH` resumes without a gap."""

from __future__ import annotations

import argparse
import json
import time
import urllib.error
import urllib.request
from typing import Any

from commands.cluster.submit import target
from core import flink_rest
from core.errors import FireError

SAVEPOINT_SECONDS = 300.0
POLL_SECONDS = 0.5


class StopError(FireError):
    """A job could not be stopped; the text gives the reason and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Stops `args.jobs` and prints the path of each savepoint."""
    _, addresses = target(args.jobmanager)
    for job in args.jobs:
        print(f"stopped {job:<7} {stop(addresses[job], job, args.savepoints)}", flush=True)
    return 0


def stop(address: str, job: str, folder: str | None = None) -> str:
    """Stops the running job `job` (detect, alert or store) and returns the path of its savepoint.

    Raises:
        StopError: the job does not run, or its savepoint failed, in which case the job keeps running.
    """
    path = f"/jobs/{job_id(address, job)}"
    request = _post(address, f"{path}/stop", {"drain": False} | ({"targetDirectory": folder} if folder else {}))
    deadline = time.monotonic() + SAVEPOINT_SECONDS
    while time.monotonic() < deadline:
        savepoint = flink_rest.get(address, f"{path}/savepoints/{request['request-id']}") or {}
        if savepoint.get("status", {}).get("id") == "COMPLETED":
            return _location(job, savepoint["operation"])
        time.sleep(POLL_SECONDS)
    raise StopError(f"{job} made no savepoint within {SAVEPOINT_SECONDS:.0f} s; look at its checkpoints at http://{address}")


def job_id(address: str, job: str) -> str:
    """Returns the id of the running job `job`.

    Raises:
        StopError: no JobManager answers, or the job does not run there.
    """
    overview = flink_rest.get(address, "/jobs/overview")
    if overview is None:
        raise StopError(f"no JobManager answers at {address}; name another with --jobmanager host:port")
    ids = [each["jid"] for each in overview["jobs"] if each["name"] == f"fire-{job}" and each["state"] == "RUNNING"]
    if not ids:
        raise StopError(f"{job} does not run at {address}; start it with ./fire submit {job}")
    return str(ids[0])


def _location(job: str, operation: dict[str, Any]) -> str:
    if "location" in operation:
        return str(operation["location"])
    cause = operation.get("failure-cause", {}).get("stack-trace", "Flink gave no cause").splitlines()[0]
    raise StopError(f"{job} keeps running because its savepoint failed: {cause}; try again when its checkpoints succeed")


def _post(address: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(f"http://{address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except (OSError, urllib.error.URLError) as problem:
        raise StopError(f"the JobManager at {address} refused to stop the job: {problem}; see its log") from problem
