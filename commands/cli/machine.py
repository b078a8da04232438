"""Commands for this machine: the demo, the tests, the embedded stack, the diagnosis and the generated files."""

from __future__ import annotations

from commands.cli.arguments import Commands, command
from core.durations import DURATION, seconds


def _demo(commands: Commands) -> None:
    sub = command(commands, "demo", "commands.demo.demo:run", "stack",
                   "start everything with a simulated fleet and a staged electrical fire", "./fire demo --for 120s")
    sub.add_argument("--for", dest="duration", type=seconds, metavar="DURATION",
                     help=f"end with a summary after this time ({DURATION}); exit code 0 only if alerts arrived and "
                          "every message is accounted for")
    sub.add_argument("--devices", type=int, default=30, help="devices in the fleet (default 30)")
    sub.add_argument("--sites", type=int, default=3, help="sites of the fleet (default 3)")


def _test(commands: Commands) -> None:
    command(commands, "test", "commands.test:run", "test", "run all tests, or pytest with further arguments",
             "./fire test -k scoring")


def _up(commands: Commands) -> None:
    sub = command(commands, "up", "commands.stack:up", "stack",
                   "start Kafka, Postgres and Flink on this machine and submit the jobs", "./fire up")
    sub.add_argument("--no-jobs", action="store_true", help="start the stack only")


def _down(commands: Commands) -> None:
    sub = command(commands, "down", "commands.stack:down", "python", "stop what `up` started", "./fire down")
    sub.add_argument("--delete-data", action="store_true", help="also delete topics, tables and checkpoints")


def _status(commands: Commands) -> None:
    command(commands, "status", "commands.stack:status", "python",
             "show what runs, where, and whether the jobs are healthy", "./fire status")


def _doctor(commands: Commands) -> None:
    command(commands, "doctor", "commands.doctor:run", "none",
            "report what is missing or wrong on this machine, with the remedy", "./fire doctor")


def _generate(commands: Commands) -> None:
    sub = command(commands, "generate", "commands.generate:run", "python",
                  "write what contract/ and the code say into the files that repeat it: schemas, templates, reference pages",
                  "./fire generate --check")
    sub.add_argument("--check", action="store_true", help="change nothing, and fail if a file is behind")


DECLARATIONS = (_demo, _test, _up, _down, _status, _doctor, _generate)
