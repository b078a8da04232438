"""What can be configured, and the only place that reads the environment.

Sources, strongest first: environment variables `FIRE_<NAME>`, the property group `fire` of Amazon Managed Service for
Apache Flink (`/etc/flink/application_properties.json`), the defaults below. A test compares
`docs/reference/settings.md` with this class.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from core.errors import FireError

APPLICATION_PROPERTIES = Path("/etc/flink/application_properties.json")
PROPERTY_GROUP = "fire"
STREAMS_ARN = re.compile(r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/")
LEAST_DISCOVERY_SECONDS = 5
"""Below it the connector may ask for shards before its first answer has come, which fails the job."""


class SettingsError(FireError):
    """A setting is missing or cannot be used; the text names the setting and the remedy."""


def setting(default: Any, meaning: str, *, choices: tuple[str, ...] = (), secret: bool = False) -> Any:
    """Declares one setting: its default, its line in the reference, and what it may be."""
    return field(default=default, repr=not secret, metadata={"meaning": meaning, "choices": choices, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a job, a command or a test may be told from outside; immutable."""

    source: str = setting("kafka", "where telemetry comes from", choices=("kafka", "kinesis", "file"))
    results: str = setting("", "where the detect job writes and the alert job reads; empty: the same kind as telemetry",
                           choices=("kafka", "kinesis"))
    alerts: str = setting("", "where the alert job writes alerts; empty: the same as results", choices=("kafka", "kinesis"))
    kafka_brokers: str = setting("127.0.0.1:9092", "bootstrap servers, `host:port[,host:port]`")
    kafka_compression: str = setting("none", "compression of the topics that the jobs write",
                                     choices=("none", "gzip", "snappy", "lz4"))
    kafka_security: str = setting("plaintext", "how clients connect to the brokers; `scram` is SCRAM-SHA-512 over TLS, "
                                  "`msk-iam` needs the jar of `./fire package`", choices=("plaintext", "tls", "scram", "msk-iam"))
    kafka_user: str = setting("", "user for `scram`")
    kafka_password: str = setting("", "password for `scram`", secret=True)
    kafka_secret_arn: str = setting("", "secret in AWS Secrets Manager with `username` and `password` for `scram`, instead of "
                                    "both settings")
    kafka_truststore: str = setting("", "PEM file with the certificate authority of the brokers, on every machine of the "
                                    "cluster; empty: Java's own")
    kafka_key_is_device: bool = setting(True, "refuse a message whose record key is present and differs from its `deviceId`; "
                                        "`false` if the fleet uses other keys")
    kinesis_streams: str = setting("", "prefix of every stream's ARN, `arn:aws:kinesis:REGION:ACCOUNT:stream/`; streams have "
                                   "the same names as topics")
    kinesis_position: str = setting("TRIM_HORIZON", "where the detect job starts without a checkpoint",
                                    choices=("TRIM_HORIZON", "LATEST"))
    kinesis_lateness_seconds: int = setting(60, "how far the watermark stays behind with Kinesis, where one watermark covers "
                                            "all shards of a reader")
    kinesis_discovery_seconds: int = setting(10, "how often new shards are looked for, 5 or more")
    kinesis_endpoint: str = setting("", "address of an emulator; empty: AWS's own")
    kinesis_jar: str = setting("", "the connector's jar, `flink-sql-connector-aws-kinesis-streams-6.0.0-2.0.jar`; needed for "
                                   "Kinesis")
    topic_prefix: str = setting("", "prefix of every topic and stream name, as in `plant-a.readings`")
    consumer_group: str = setting("fire", "prefix of the jobs' Kafka consumer groups: `<group>-detect`, `-alert`, `-store`, "
                                          "`-archive`")
    file_input: str = setting("", "file that the file source reads, one JSON message per line (`.gz` allowed)")
    file_output: str = setting("", "folder that the file sinks write, with one subfolder per result")
    registry: str = setting("", "device registry, a file or `s3://bucket/key` that every worker can read; empty: the default "
                                "profile for every device")
    parallelism: int = setting(0, "parallelism of a job; 0 leaves it to the cluster")
    checkpoint_seconds: int = setting(10, "interval of the checkpoints from which a job resumes; 0 leaves it to the cluster")
    lateness_seconds: int = setting(5, "how far the watermark stays behind the newest event time")
    idle_timeout_seconds: int = setting(60, "a partition without messages for this long no longer holds the watermark; "
                                            "keep it above a Python worker's cold start (15 s and more)")
    deduplicate: bool = setting(True, "drop repeated (device, idx, event time); `false` if the fleet never repeats a message")
    deduplicate_minutes: int = setting(10, "how long a reading is remembered in order to recognise its duplicates")
    bundle_size: int = setting(10_000, "most readings passed to a Python worker at once")
    bundle_millis: int = setting(200, "longest wait for a bundle to fill; bounds the alert latency")
    python_executable: str = setting("", "Python of the cluster's workers; empty: that of the submitting client")
    alert_delivery: str = setting("at-least-once", "delivery of the alert topic", choices=("at-least-once", "exactly-once"))
    postgres_host: str = setting("127.0.0.1", "database server of the store job and the dashboard")
    postgres_port: int = setting(5432, "port of the database server")
    postgres_database: str = setting("fire", "name of the database")
    postgres_user: str = setting("fire", "user of the database")
    postgres_password: str = setting("", "password of that user; empty: `PGPASSFILE` is used", secret=True)
    postgres_secret_arn: str = setting("", "secret in AWS Secrets Manager with `username` and `password`, instead of user and "
                                           "password")
    archive: str = setting("", "where the archive job writes every reading as Parquet, a folder or `s3://bucket/prefix`; empty: "
                               "nowhere")
    archive_seconds: int = setting(300, "how often archived files are completed")
    managed_flink: bool = setting(False, "set only those Flink options that Managed Service for Apache Flink allows a program "
                                  "to set; its package does")
    job: str = setting("detect", "job that the package for Managed Flink runs", choices=("detect", "alert", "store"))
    postgres_read_host: str = setting("", "read replica that the dashboard reads from; empty: the database server itself")
    postgres_read_port: int = setting(0, "port of the read replica; 0: that of the database server")
    flink_addresses: str = setting("127.0.0.1:8081,127.0.0.1:8082", "JobManagers whose jobs the dashboard watches, "
                                   "`host:port[,host:port]`; empty: none")
    dashboard_host: str = setting("127.0.0.1", "address that the dashboard listens on; other than loopback it requires a login "
                                  "and `FIRE_DASHBOARD_URL`")
    dashboard_port: int = setting(8080, "port of the dashboard")
    dashboard_url: str = setting("", "address that browsers use, as in `https://fire.example.org`; empty: host and port")
    dashboard_users: str = setting("", "file of the people who may log in (`infra/dashboard/users.example.toml`)")
    dashboard_password: str = setting("", "password of the user `admin`, in addition to those in the file; 12 characters or "
                                      "more", secret=True)
    dashboard_secret: str = setting("", "key that signs sessions, 32 characters or more; empty: a new one at every start, "
                                    "which ends all sessions", secret=True)
    dashboard_certificate: str = setting("", "TLS certificate (PEM) of the dashboard; empty: plain HTTP, behind a proxy")
    dashboard_key: str = setting("", "private key (PEM) of that certificate")
    dashboard_proxies: int = setting(0, "number of reverse proxies in front of the dashboard whose `X-Forwarded-` headers are "
                                     "trusted")
    dashboard_threads: int = setting(400, "requests served at once; each open page takes one, up to three quarters of them")
    readings_retention_days: int = setting(30, "days that readings stay in Postgres, dropped by partition")
    results_retention_days: int = setting(90, "days that alerts and window results stay in Postgres")
    log_format: str = setting("text", "how long-running processes log: lines for people, or JSON for machines",
                              choices=("text", "json"))
    flink_metrics_port: int = setting(0, "first port of the Prometheus reporters of the embedded stack's Flink (one per "
                                      "process, all interfaces); 0 disables them, since `./fire metrics` offers the same on "
                                      "the loopback address")
    environment: str = setting("local", "name of this installation; the dimension `Environment` of its CloudWatch metrics")
    watch_list: str = setting("", "devices with CloudWatch metrics of their own, separated by commas; others are aggregated by "
                              "site and level")
    home: str = setting(".fire", "where the launcher keeps its venv, jars, logs and the embedded stack's data")
    maven_url: str = setting("", "repository from which the locked jars are downloaded; empty: Maven Central")

    def __post_init__(self) -> None:
        for each in fields(self):
            choices = each.metadata["choices"]
            value = getattr(self, each.name)
            if choices and value not in (*choices, each.default):
                raise SettingsError(f"{variable(each.name)} is {value!r}; use one of: {', '.join(choices)}")
        if self.kinesis_discovery_seconds < LEAST_DISCOVERY_SECONDS:
            raise SettingsError(f"FIRE_KINESIS_DISCOVERY_SECONDS is {self.kinesis_discovery_seconds}; use "
                                f"{LEAST_DISCOVERY_SECONDS} or more")
        if self.uses_kinesis and not STREAMS_ARN.fullmatch(self.kinesis_streams):
            raise SettingsError(f"FIRE_KINESIS_STREAMS is {self.kinesis_streams!r}; use arn:aws:kinesis:REGION:ACCOUNT:stream/ "
                                "(with the slash at its end)")

    @property
    def results_in(self) -> str:
        """Where the detect job writes and the alert job reads: `kafka`, `kinesis` or `file`."""
        return self.source if self.source == "file" else self.results or self.source

    @property
    def alerts_in(self) -> str:
        """Where the alert job writes alerts: `kafka`, `kinesis` or `file`."""
        return self.results_in if self.results_in == "file" else self.alerts or self.results_in

    @property
    def uses_kinesis(self) -> bool:
        """Whether any job reads from or writes to Kinesis."""
        return "kinesis" in (self.source, self.results_in, self.alerts_in)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, properties: Path = APPLICATION_PROPERTIES) -> Settings:
        """Settings from the environment and, when it exists, Managed Flink's property file.

        Raises:
            SettingsError: a value cannot be read, or a `FIRE_` variable or property is not a setting.
        """
        environ = os.environ if environ is None else environ
        given = {variable(name): text for name, text in _application_properties(properties).items()}
        given |= {name: text for name, text in environ.items() if name.startswith("FIRE_")}
        known = {variable(each.name): each for each in fields(cls)}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise SettingsError(f"{', '.join(unknown)}: no such setting; docs/reference/settings.md lists them all")
        return cls(**{known[name].name: _read(known[name], text) for name, text in given.items()})

    def topic(self, name: str) -> str:
        """The Kafka topic called `name`, with the configured prefix."""
        return f"{self.topic_prefix}{name}"


def variable(name: str) -> str:
    """The environment variable of a setting: `kafka_brokers` → `FIRE_KAFKA_BROKERS`."""
    return f"FIRE_{name.upper()}"


def secret(name: str) -> str | None:
    """A secret that a file names by the environment variable `name`; None where it is not set."""
    return os.environ.get(name)


def _application_properties(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    groups = json.loads(path.read_text(encoding="utf-8"))
    return next((group["PropertyMap"] for group in groups if group["PropertyGroupId"] == PROPERTY_GROUP), {})


def _read(setting_: Any, text: str) -> Any:
    kind = type(setting_.default)
    if kind is bool:
        return _read_bool(setting_.name, text)
    if kind is int:
        return _read_int(setting_.name, text)
    return text


def _read_bool(name: str, text: str) -> bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise SettingsError(f"{variable(name)} is {text!r}; use true or false")


def _read_int(name: str, text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise SettingsError(f"{variable(name)} is {text!r}; use a whole number, 0 or more")
