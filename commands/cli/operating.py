"""Commands for operators: backups, deployment to AWS and its costs."""

from __future__ import annotations

from commands.cli.arguments import Commands, command

ENVIRONMENTS = ("dev", "staging", "prod")


def _backup(commands: Commands) -> None:
    sub = command(commands, "backup", "commands.backup:backup", "python",
                   "save the results database to a new file",
                   "./fire backup backups")
    sub.add_argument("folder", metavar="DIR", help="folder for fire-<time>.dump, which only you can read")


def _restore(commands: Commands) -> None:
    sub = command(commands, "restore", "commands.backup:restore", "python", "restore the results database from a backup",
                   "./fire restore backups --replace")
    sub.add_argument("backup", metavar="PATH", help="backup, or a folder whose newest backup is used")
    sub.add_argument("--replace", action="store_true", help="delete the database's existing tables first")


def _deploy(commands: Commands) -> None:
    sub = command(commands, "deploy", "infra.aws.deploy:run", "test",
                   "deploy the whole system to AWS, and roll back if that fails",
                   "./fire deploy dev --region ap-northeast-2")
    sub.add_argument("environment", choices=ENVIRONMENTS, help="dev, staging or prod (infra/aws/parameters)")
    sub.add_argument("--region", help="AWS region (default: the region of your AWS configuration)")
    sub.add_argument("--package", metavar="ZIP",
                     help="package for Managed Flink (default: built by ./fire package managed-flink)")
    sub.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="overrides",
                     help="override a parameter of the file, as in NotificationEmail=safety@example.org; may be repeated")
    sub.add_argument("--yes", action="store_true", help="execute change sets without asking")
    sub.add_argument("--smoke", default="iot", choices=("iot", "kinesis", "none"),
                     help="how the smoke test's messages are sent (default iot: through the IoT rule)")
    sub.add_argument("--check", action="store_true", help="only check templates and parameters")


def _costs(commands: Commands) -> None:
    sub = command(commands, "costs", "infra.aws.costs:run", "python",
                   "show what the system costs on AWS by service and day, or estimate it", "./fire costs prod --estimate")
    sub.add_argument("environment", choices=ENVIRONMENTS, help="dev, staging or prod")
    sub.add_argument("--days", type=int, default=30, help="days back from today (default 30)")
    sub.add_argument("--estimate", action="store_true", help="estimate from the templates and list prices, without AWS")
    sub.add_argument("--devices", type=int, default=1000, help="devices of the estimate (default 1,000)")
    sub.add_argument("--seconds", type=float, default=10.0, help="seconds between a device's messages (default 10)")


DECLARATIONS = (_backup, _restore, _deploy, _costs)
