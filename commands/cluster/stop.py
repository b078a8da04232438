"""`./fire stop`: ends jobs with a savepoint each, from which `./fire submit JOB --from PATH` goes on without a gap."""

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
    """A job was not stopped; the text says why and what to do."""


def run(args: argparse.Namespace) -> int:
    """Stops `args.jobs` and prints where each savepoint lies."""
    _, addresses = target(args.jobmanager)
    for job in args.jobs:
        print(f"stopped {job:<7} {stop(addresses[job], job, args.savepoints)}", flush=True)
    return 0


def stop(address: str, job: str, folder: str | None = None) -> str:
    """Ends the running job `job` (detect, alert or store) and returns the path of its savepoint.

    Raises:
        StopError: the job does not run, or no savepoint could be made; it then goes on running.
    """
    path = f"/jobs/{job_id(address, job)}"
    request = _post(address, f"{path}/stop", {"drain": False} | ({"targetDirectory": folder} if folder else {}))
    deadline = time.monotonic() + SAVEPOINT_SECONDS
    while time.monotonic() < deadline:
        told = flink_rest.get(address, f"{path}/savepoints/{request['request-id']}") or {}
        if told.get("status", {}).get("id") == "COMPLETED":
            return _location(job, told["operation"])
        time.sleep(POLL_SECONDS)
    raise StopError(f"no savepoint of {job} within {SAVEPOINT_SECONDS:.0f} s; look at its checkpoints at http://{address}")


def job_id(address: str, job: str) -> str:
    """The id of the running job `job`.

    Raises:
        StopError: none runs there.
    """
    overview = flink_rest.get(address, "/jobs/overview")
    if overview is None:
        raise StopError(f"no JobManager answers at {address}; name another with --jobmanager host:port")
    ids = [each["jid"] for each in overview["jobs"] if each["name"] == f"fire-{job}" and each["state"] == "RUNNING"]
    if not ids:
        raise StopError(f"{job} does not run at {address}; ./fire submit {job} starts it")
    return str(ids[0])


def _location(job: str, operation: dict[str, Any]) -> str:
    if "location" in operation:
        return str(operation["location"])
    cause = operation.get("failure-cause", {}).get("stack-trace", "no cause was told").splitlines()[0]
    raise StopError(f"{job} goes on, for its savepoint failed: {cause}; try again when its checkpoints succeed")


def _post(address: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(f"http://{address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except (OSError, urllib.error.URLError) as problem:
        raise StopError(f"the JobManager at {address} refuses to stop the job: {problem}") from problem
