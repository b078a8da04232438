"""The command surface of `./fire`: every subcommand, its options, its help and its example.

Standard library only: the launcher reads it before anything is installed, and the installed project dispatches by it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TypeAlias

from jobs.errors import FireError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
DURATION = "seconds, with or without the s: 120 or 120s"


def seconds(text: str) -> float:
    """Reads a duration in seconds: `120`, `120s` or `2m`."""
    factor = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
    try:
        value = float(text[:-1]) * factor if factor else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; use {DURATION}") from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; use {DURATION}")
    return value


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; each subparser names its `module:function` and what must be installed for it."""
    parser = argparse.ArgumentParser(prog="./fire", description="Sees an electrical fire coming.",
                                     epilog="First steps:  ./fire demo   then   ./fire test")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for declare in (_demo, _test, _up, _down, _status, _submit, _score, _replay, _simulate, _measurements,
                    _notify, _cloudwatch, _deploy, _costs, _evaluate, _bench, _package, _doctor):
        declare(commands)
    return parser


def _command(commands: Commands, name: str, run: str, needs: str, about: str, example: str
             ) -> argparse.ArgumentParser:
    sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".",
                              epilog=f"example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter)
    sub.set_defaults(run=run, needs=needs)
    return sub


def _demo(commands: Commands) -> None:
    sub = _command(commands, "demo", "jobs.demo:run", "stack",
                   "start everything with a simulated fleet and a staged electrical fire", "./fire demo --for 120s")
    sub.add_argument("--for", dest="duration", type=seconds, metavar="DURATION",
                     help=f"end by itself with a summary ({DURATION}); exit code 0 only if alerts arrived and every "
                          "message is accounted for")
    sub.add_argument("--devices", type=int, default=30, help="devices in the fleet (default 30)")
    sub.add_argument("--sites", type=int, default=3, help="sites they stand at (default 3)")


def _test(commands: Commands) -> None:
    _command(commands, "test", "jobs.test:run", "test", "run all tests; further words go to pytest",
             "./fire test -k scoring")


def _up(commands: Commands) -> None:
    sub = _command(commands, "up", "infra.local.stack:up", "stack",
                   "start Kafka, Postgres and Flink on this machine and submit the jobs", "./fire up")
    sub.add_argument("--no-jobs", action="store_true", help="start the stack only")


def _down(commands: Commands) -> None:
    sub = _command(commands, "down", "infra.local.stack:down", "python", "stop what `up` started", "./fire down")
    sub.add_argument("--delete-data", action="store_true", help="also delete topics, tables and checkpoints")


def _status(commands: Commands) -> None:
    _command(commands, "status", "infra.local.stack:status", "python",
             "say what runs, where, and whether the jobs are well", "./fire status")


def _submit(commands: Commands) -> None:
    sub = _command(commands, "submit", "jobs.submit:run", "stack", "submit jobs to a Flink cluster",
                   "./fire submit detect alert --jobmanager flink.example.org:8081")
    sub.add_argument("jobs", nargs="*", choices=["detect", "alert", "store", "archive", []], metavar="JOB",
                     help="detect, alert, store, archive; none: all but archive")
    sub.add_argument("--jobmanager", metavar="HOST:PORT",
                     help="REST address of the cluster (default: the stack that `up` started)")


def _score(commands: Commands) -> None:
    sub = _command(commands, "score", "jobs.score:run", "python",
                   "score messages, one JSON object a line, without Flink", "./fire score messages.jsonl > readings.jsonl")
    sub.add_argument("file", nargs="?", default="-", metavar="FILE", help="JSON lines, plain or .gz (default: standard input)")
    sub.add_argument("--dead-letters", metavar="FILE", help="where refused messages go (default: standard error)")
    sub.add_argument("--field", metavar="NAME", help="the message is this field of each line, as an object or as text")


def _replay(commands: Commands) -> None:
    sub = _command(commands, "replay", "jobs.replay:run", "python",
                   "run the detect and alert jobs over files and write every result", "./fire replay day.jsonl.gz --out results")
    sub.add_argument("files", nargs="+", metavar="FILE",
                     help="JSON lines, plain or .gz, in order of arrival; or an archive of readings, a Parquet file or a folder")
    sub.add_argument("--out", required=True, metavar="DIR", help="folder for <result>.jsonl")
    sub.add_argument("--parallelism", type=int, default=1, help="parallelism of the jobs (default 1)")


def _simulate(commands: Commands) -> None:
    sub = _command(commands, "simulate", "jobs.simulate:run", "python", "send simulated devices' messages to Kafka",
                   "./fire simulate --scenario spreading-fire --devices 30 --rate 30 --for 60s")
    sub.add_argument("--scenario", default="normal", choices=SCENARIOS, help="what happens to the fleet (default normal)")
    sub.add_argument("--devices", type=int, default=30, help="devices (default 30)")
    sub.add_argument("--sites", type=int, default=3, help="sites (default 3)")
    sub.add_argument("--rate", type=float, default=30.0, help="messages per second over all devices (default 30)")
    sub.add_argument("--seed", type=int, default=1, help="the same seed gives the same messages (default 1)")
    sub.add_argument("--count", type=int, metavar="N", help="stop after N messages")
    sub.add_argument("--for", dest="duration", type=seconds, metavar="DURATION", help=f"stop after this time ({DURATION})")
    sub.add_argument("--brokers", metavar="HOST:PORT",
                     help="Kafka (default: the stack that `up` started, else FIRE_KAFKA_BROKERS)")
    sub.add_argument("--out", metavar="FILE", help="write JSON lines there (`-`: standard output) instead of sending")


SCENARIOS = ("normal", "heating", "arcing", "leakage", "gas", "spreading-fire", "communication-error", "silent-device",
             "garbage")


def _measurements(commands: Commands) -> None:
    sub = _command(commands, "measurements", "jobs.measurements:run", "python",
                   "turn published measurements of fires and homes into device messages",
                   "./fire measurements data --out messages")
    sub.add_argument("data", metavar="DIR", help="folder with fire/, cable/, electrical/ and temperature/ CSV files")
    sub.add_argument("--out", required=True, metavar="DIR", help="folder for <test>.jsonl")


def _evaluate(commands: Commands) -> None:
    sub = _command(commands, "evaluate", "jobs.evaluate:run", "python",
                   "replay published measurements: does every fire alarm, does a normal home stay quiet",
                   "./fire evaluate data")
    sub.add_argument("data", metavar="DIR", help="folder with fire/, cable/, electrical/ and temperature/ CSV files")


def _bench(commands: Commands) -> None:
    sub = _command(commands, "bench", "jobs.bench:run", "stack", "measure throughput, CPU per message and alert latency",
                   "./fire bench --messages 2000000")
    sub.add_argument("--messages", type=int, default=2_000_000, help="messages through the file source (default 2,000,000)")
    sub.add_argument("--devices", type=int, default=1000, help="devices (default 1,000)")
    sub.add_argument("--only", choices=["file", "latency"], help="one of the two measurements")


def _notify(commands: Commands) -> None:
    sub = _command(commands, "notify", "jobs.notify:run", "python",
                   "deliver the alert topic to webhooks, e-mail and Amazon SNS, through an outbox in Postgres",
                   "./fire notify --channels channels.toml")
    sub.add_argument("--channels", metavar="FILE", help="who hears of what (infra/notify/channels.example.toml shows how)")
    sub.add_argument("--status", action="store_true", help="say what is pending and what is parked, and end")
    sub.add_argument("--retry-parked", action="store_true", help="make parked deliveries due again, and end")


def _cloudwatch(commands: Commands) -> None:
    _command(commands, "cloudwatch", "jobs.cloudwatch:run", "python",
             "publish the devices' metrics to Amazon CloudWatch, by site and level", "./fire cloudwatch")


ENVIRONMENTS = ("dev", "staging", "prod")


def _deploy(commands: Commands) -> None:
    sub = _command(commands, "deploy", "infra.aws.deploy:run", "test",
                   "deploy the whole system to AWS, and take the changes back where it fails",
                   "./fire deploy dev --region ap-northeast-2")
    sub.add_argument("environment", choices=ENVIRONMENTS, help="dev, staging or prod (infra/aws/parameters)")
    sub.add_argument("--region", help="AWS region (default: that of your AWS configuration)")
    sub.add_argument("--package", metavar="ZIP",
                     help="package for Managed Flink (default: ./fire package managed-flink makes it)")
    sub.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="given",
                     help="a parameter instead of the file's, as NotificationEmail=safety@example.org; may be repeated")
    sub.add_argument("--yes", action="store_true", help="execute change sets without asking")
    sub.add_argument("--smoke", default="iot", choices=("iot", "kinesis", "none"),
                     help="how the smoke test's messages are sent (default iot: through the IoT rule)")
    sub.add_argument("--check", action="store_true", help="check templates and parameters, and end")


def _costs(commands: Commands) -> None:
    sub = _command(commands, "costs", "infra.aws.costs:run", "python",
                   "say what the system costs on AWS, by service and day, or an estimate", "./fire costs prod --estimate")
    sub.add_argument("environment", choices=ENVIRONMENTS, help="dev, staging or prod")
    sub.add_argument("--days", type=int, default=30, help="days back from today (default 30)")
    sub.add_argument("--estimate", action="store_true", help="from the templates and list prices, without AWS")
    sub.add_argument("--devices", type=int, default=1000, help="devices of the estimate (default 1,000)")
    sub.add_argument("--seconds", type=float, default=10.0, help="seconds between a device's messages (default 10)")


def _package(commands: Commands) -> None:
    sub = _command(commands, "package", "infra.managed_flink.package:run", "package",
                   "pack the jobs for Managed Service for Apache Flink", "./fire package managed-flink --out out")
    sub.add_argument("target", choices=["managed-flink"], help="what the package is for")
    sub.add_argument("--out", default="out", metavar="DIR", help="folder for the zip and its runtime properties (default out)")


def _doctor(commands: Commands) -> None:
    _command(commands, "doctor", "jobs.doctor:run", "none", "say what is missing or wrong here, with the remedy", "./fire doctor")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses a command line; words after `test` that it does not know go to pytest as `rest`."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    if rest and args.command != "test":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    args.rest = rest
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parse(sys.argv[1:] if argv is None else argv)
    module, function = args.run.split(":")
    try:
        return getattr(importlib.import_module(module), function)(args) or 0
    except FireError as problem:
        print(f"fire {args.command}: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    sys.exit(main())
