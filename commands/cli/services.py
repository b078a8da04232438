"""Commands that run the services: notifications, dashboard, metrics, CloudWatch."""

from __future__ import annotations

from commands.cli.arguments import Commands, command


def _notify(commands: Commands) -> None:
    sub = command(commands, "notify", "services.notify.server:run", "python",
                   "deliver the alert topic to webhooks, e-mail, SNS, Slack, Teams and PagerDuty, through an outbox in Postgres",
                   "./fire notify --channels channels.toml")
    sub.add_argument("--channels", metavar="FILE",
                     help="channels and what each receives (example: infra/notify/channels.example.toml)")
    sub.add_argument("--status", action="store_true", help="show pending and parked deliveries, and exit")
    sub.add_argument("--retry-parked", action="store_true", help="make parked deliveries due again, and exit")


def _dashboard(commands: Commands) -> None:
    sub = command(commands, "dashboard", "services.dashboard.server:run", "python",
                   "serve the live dashboard: what burns, where and why, and whether the pipeline is healthy",
                   "./fire dashboard")
    sub.add_argument("--hash-password", action="store_true",
                     help="read a password, print its hash for the users file, and exit")


def _metrics(commands: Commands) -> None:
    sub = command(commands, "metrics", "services.metrics.server:run", "python",
                   "serve Prometheus metrics: rates, lag, latencies, alerts, checkpoints, deliveries, disk",
                   "./fire metrics --port 9400")
    sub.add_argument("--port", type=int, default=9400, help="port (default 9400)")
    sub.add_argument("--host", default="127.0.0.1", help="address to listen on, without a login (default 127.0.0.1)")
    sub.add_argument("--jobmanager", action="append", metavar="HOST:PORT",
                     help="REST address of a Flink cluster; may be repeated (default: the stack that `up` started)")
    sub.add_argument("--disk", action="append", metavar="DIR", default=None,
                     help="folder whose disk is watched; may be repeated (default: the root)")


def _cloudwatch(commands: Commands) -> None:
    command(commands, "cloudwatch", "services.cloudwatch.server:run", "python",
             "publish the devices' metrics to Amazon CloudWatch, by site and level", "./fire cloudwatch")


DECLARATIONS = (_notify, _dashboard, _metrics, _cloudwatch)
