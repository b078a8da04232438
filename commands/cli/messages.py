"""Commands that score, replay, simulate and evaluate messages."""

from __future__ import annotations

from commands.cli.arguments import Commands, command, positive
from core.durations import DURATION, seconds

SCENARIOS = ("normal", "heating", "arcing", "leakage", "gas", "spreading-fire", "hot-spots", "communication-error",
             "silent-device", "garbage")


def _score(commands: Commands) -> None:
    sub = command(commands, "score", "commands.score:run", "python",
                   "score messages, one JSON object per line, without Flink", "./fire score messages.jsonl > readings.jsonl")
    sub.add_argument("file", nargs="?", default="-", metavar="FILE", help="JSON lines, plain or .gz (default: standard input)")
    sub.add_argument("--dead-letters", metavar="FILE", help="file for refused messages (default: standard error)")
    sub.add_argument("--field", metavar="NAME", help="field of each line that holds the message, as an object or as text")


def _replay(commands: Commands) -> None:
    sub = command(commands, "replay", "commands.replay.replay:run", "python",
                   "run the detect and alert jobs on files and write all results", "./fire replay day.jsonl.gz --out results")
    sub.add_argument("files", nargs="+", metavar="FILE",
                     help="JSON lines, plain or .gz, in order of arrival; a dump of `kcat -J`, which keeps the arrivals; or an "
                          "archive of readings, a Parquet file or a folder")
    sub.add_argument("--out", required=True, metavar="DIR", help="folder for <result>.jsonl")
    sub.add_argument("--parallelism", type=int, default=1, help="parallelism of the jobs (default 1)")


def _simulate(commands: Commands) -> None:
    sub = command(commands, "simulate", "commands.simulate.sender:run", "python", "send messages of simulated devices to Kafka",
                   "./fire simulate --scenario spreading-fire --devices 30 --rate 30 --for 60s")
    sub.add_argument("--scenario", default="normal", choices=SCENARIOS, help="what happens to the fleet (default normal)")
    sub.add_argument("--devices", type=int, default=30, help="devices (default 30)")
    sub.add_argument("--sites", type=int, default=3, help="sites (default 3)")
    sub.add_argument("--rate", type=float, default=30.0, help="messages per second over all devices (default 30)")
    sub.add_argument("--seed", type=int, default=1,
                     help="seed of the random generator; the same seed gives the same messages (default 1)")
    sub.add_argument("--count", type=int, metavar="N", help="stop after N messages")
    sub.add_argument("--for", dest="duration", type=seconds, metavar="DURATION", help=f"stop after this time ({DURATION})")
    sub.add_argument("--brokers", metavar="HOST:PORT",
                     help="Kafka (default: the stack that `up` started, else FIRE_KAFKA_BROKERS)")
    sub.add_argument("--out", metavar="FILE", help="file for JSON lines (`-`: standard output) instead of Kafka")


def _measurements(commands: Commands) -> None:
    sub = command(commands, "measurements", "commands.evaluate.datasets:run", "python",
                   "convert published measurements of fires and homes to device messages",
                   "./fire measurements data --out messages")
    sub.add_argument("data", metavar="DIR", help="folder with fire/, cable/, electrical/ and temperature/ CSV files")
    sub.add_argument("--out", required=True, metavar="DIR", help="folder for <test>.jsonl")


def _evaluate(commands: Commands) -> None:
    sub = command(commands, "evaluate", "commands.evaluate.evaluate:run", "python",
                   "replay published measurements and check that every fire raises an alarm and a normal home none",
                   "./fire evaluate data")
    sub.add_argument("data", metavar="DIR", help="folder with fire/, cable/, electrical/ and temperature/ CSV files")


def _bench(commands: Commands) -> None:
    sub = command(commands, "bench", "commands.bench.bench:run", "stack",
                   "measure throughput, CPU per message, alert latency and the dashboard",
                   "./fire bench --only w1 --messages 500000")
    sub.add_argument("--messages", type=positive, default=1_000_000,
                     help="messages in the file of w1 and w2, and the fewest of a fleet of growth (default 1,000,000)")
    sub.add_argument("--devices", type=positive, default=1000, help="devices in it (default 1,000)")
    sub.add_argument("--runs", type=positive, default=3,
                     help="runs of w1, w2 and each fleet, of which medians are printed (default 3)")
    sub.add_argument("--only", choices=["file", "w1", "w2", "latency", "growth", "dashboard"],
                     help="run only this measurement: w1 is what every message needs, w2 all of detection, file both")
    sub.add_argument("--peers", action="store_true",
                     help="run only w1 and, beside it, the same work in Spark, in bytewax and in a plain loop")
    sub.add_argument("--plot", metavar="FILE",
                     help="SVG file of w1 and w2, or of the peers (default: bench.svg or peers.svg in FIRE_HOME)")


DECLARATIONS = (_score, _replay, _simulate, _measurements, _evaluate, _bench)
