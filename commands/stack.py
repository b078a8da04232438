"""`./fire up`, `down` and `status`: start, stop and inspect the embedded stack."""

from __future__ import annotations

import argparse
import shutil

from core import embedded_stack, installation
from core.settings import Settings
from infra.local import stack
from infra.local import status as stack_status


def up(args: argparse.Namespace) -> int:
    """Starts the stack, submits the jobs and prints the addresses (`./fire up`)."""
    home = installation.home_folder(Settings.load())
    running = stack.start(home, report=print)
    if not args.no_jobs:
        _submit(running)
    width = max(map(len, stack.addresses(running)))
    print("\n".join(f"{name:{width}}  {where}" for name, where in stack.addresses(running).items()))
    return 0


def _submit(running: embedded_stack.Stack) -> None:
    from commands.cluster.submit import submit
    from contract.jobs import JOBS

    wanted = (*JOBS, "archive") if Settings.load().archive else JOBS
    missing = tuple(job for job in wanted if not stack_status.is_running(running, job))
    if missing:
        submit(running, jobs=missing)
    stack_status.expect(running.home, wanted)


def down(args: argparse.Namespace) -> int:
    """Stops the stack and, with `args.delete_data`, deletes its data (`./fire down`)."""
    home = installation.home_folder(Settings.load())
    print("stopped" if stack.stop(home) else "nothing was running")
    if args.delete_data:
        shutil.rmtree(installation.state(home), ignore_errors=True)
        print(f"deleted {installation.state(home)}")
    return 0


def status(args: argparse.Namespace) -> int:
    """Prints the state of every part; returns 1 if one that should run does not (`./fire status`)."""
    return stack_status.show(installation.home_folder(Settings.load()))
