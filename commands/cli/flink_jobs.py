"""Commands that submit, stop, rewind and package the Flink jobs."""

from __future__ import annotations

from commands.cli.arguments import CLUSTER, Commands, command, moment
from contract.jobs import JOBS, OPTIONAL


def _submit(commands: Commands) -> None:
    sub = command(commands, "submit", "commands.cluster.submit:run", "stack", "submit jobs to a Flink cluster",
                   "./fire submit detect alert --jobmanager flink.example.org:8081")
    sub.add_argument("jobs", nargs="*", choices=[*JOBS, "archive", []], metavar="JOB",
                     help="detect, alert, store, archive (default: all but archive)")
    sub.add_argument("--jobmanager", metavar="HOST:PORT", help=CLUSTER)
    sub.add_argument("--from", dest="savepoint", metavar="PATH",
                     help="savepoint or checkpoint from which the job (only one) resumes")


def _stop(commands: Commands) -> None:
    sub = command(commands, "stop", "commands.cluster.stop:run", "python",
                   "stop jobs, each with a savepoint from which submit resumes",
                   "./fire stop detect")
    sub.add_argument("jobs", nargs="+", choices=JOBS, metavar="JOB", help="detect, alert, store")
    sub.add_argument("--jobmanager", metavar="HOST:PORT", help=CLUSTER)
    sub.add_argument("--savepoints", metavar="URI", help="folder for the savepoints (default: the cluster's)")


def _rewind(commands: Commands) -> None:
    sub = command(commands, "rewind", "commands.cluster.rewind:run", "python",
                   "rewind a stopped job to a time, from which it reads again after its submission",
                   "./fire rewind store --to 2025-10-09T18:00:00Z")
    sub.add_argument("job", choices=JOBS, metavar="JOB", help="detect, alert or store")
    sub.add_argument("--to", required=True, type=moment, metavar="TIME", help="ISO 8601 time; UTC unless it has an offset")
    sub.add_argument("--jobmanager", metavar="HOST:PORT", help=CLUSTER)


def _sql(commands: Commands) -> None:
    sub = command(commands, "sql", "commands.sql:run", "python", "print all the SQL that a job runs", "./fire sql detect")
    sub.add_argument("job", choices=[*JOBS, *OPTIONAL], metavar="JOB", help="detect, alert, store or archive")


def _package(commands: Commands) -> None:
    sub = command(commands, "package", "infra.managed_flink.package:run", "package",
                   "package the jobs for Amazon Managed Service for Apache Flink", "./fire package managed-flink --out out")
    sub.add_argument("target", choices=["managed-flink"], help="service to package for")
    sub.add_argument("--out", default="out", metavar="DIR", help="folder for the zip and its runtime properties (default out)")


DECLARATIONS = (_submit, _stop, _rewind, _sql, _package)
