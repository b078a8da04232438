"""The commands `./fire up`, `down` and `status`."""

from __future__ import annotations

import argparse
import shutil

from core import embedded_stack, installation
from core.settings import Settings
from infra.local import stack
from infra.local import status as told


def up(args: argparse.Namespace) -> int:
    """`./fire up`: starts the stack, submits the jobs, says where things are."""
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
    missing = tuple(job for job in wanted if not told.is_running(running, job))
    if missing:
        submit(running, jobs=missing)
    told.expect(running.home, wanted)


def down(args: argparse.Namespace) -> int:
    """`./fire down`: stops the stack, and deletes its data if asked to."""
    home = installation.home_folder(Settings.load())
    print("stopped" if stack.stop(home) else "nothing was running")
    if args.delete_data:
        shutil.rmtree(installation.state(home), ignore_errors=True)
        print(f"deleted {installation.state(home)}")
    return 0


def status(args: argparse.Namespace) -> int:
    """`./fire status`: prints what runs; exit code 1 if something that should run does not."""
    return told.show(installation.home_folder(Settings.load()))
