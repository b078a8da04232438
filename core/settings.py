"""All settings of the project, and the only module that reads the environment.

Sources in order of precedence: environment variables `FIRE_<NAME>`, the property group `fire` of Amazon Managed Service
for Apache Flink (`/etc/flink/application_properties.json`), the defaults below. docs/reference/settings.md lists them.
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
"""With a shorter interval the connector may list the shards again before its first request returns, which fails the job."""


class SettingsError(FireError):
    """A setting is missing or invalid; the text names the setting and the remedy."""


def setting(default: Any, meaning: str, *, choices: tuple[str, ...] = (), secret: bool = False) -> Any:
    """Declares one setting: its default, its meaning in the documentation, and the values it allows (any if empty)."""
    return field(default=default, repr=not secret, metadata={"meaning": meaning, "choices": choices, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of a job, service or command; immutable."""

    source: str = setting("kafka", "where telemetry comes from", choices=("kafka", "kinesis", "file"))
    results: str = setting("", "where the detect job writes results and the alert job reads them; empty: same as the source",
                           choices=("kafka", "kinesis"))
    alerts: str = setting("", "where the alert job writes alerts; empty: same as the results",
                          choices=("kafka", "kinesis"))
    kafka_brokers: str = setting("127.0.0.1:9092", "Kafka bootstrap servers, `host:port[,host:port]`")
    kafka_compression: str = setting("none", "compression of the messages that the jobs write to Kafka",
                                     choices=("none", "gzip", "snappy", "lz4"))
    kafka_security: str = setting("plaintext", "security of connections to Kafka; `scram` is SCRAM-SHA-512 over TLS, `msk-iam` "
                                               "needs the jar of `./fire package`",
                                  choices=("plaintext", "tls", "scram", "msk-iam"))
    kafka_user: str = setting("", "Kafka user for `scram`")
    kafka_password: str = setting("", "password of the Kafka user", secret=True)
    kafka_secret_arn: str = setting("", "ARN of a secret in AWS Secrets Manager with `username` and `password` for `scram`; "
                                        "replaces Kafka user and password")
    kafka_truststore: str = setting("", "PEM file with the certificate authority of the brokers, on every machine of the "
                                        "cluster; empty: Java's own authorities")
    kafka_key_is_device: bool = setting(True, "whether to refuse a message whose record key differs from its `deviceId`; `false` "
                                              "if the fleet uses other keys")
    kinesis_streams: str = setting("", "prefix of every stream's ARN, `arn:aws:kinesis:REGION:ACCOUNT:stream/`; streams have the "
                                       "same names as topics")
    kinesis_position: str = setting("TRIM_HORIZON", "where in the stream the detect job starts without a checkpoint",
                                    choices=("TRIM_HORIZON", "LATEST"))
    kinesis_lateness_seconds: int = setting(60, "how far the watermark trails the newest event time with Kinesis, where a reader "
                                                "has one watermark for all its shards")
    kinesis_discovery_seconds: int = setting(10, "seconds between checks for new shards, 5 or more")
    kinesis_endpoint: str = setting("", "address of a Kinesis emulator; empty: the AWS endpoint of the region")
    kinesis_jar: str = setting("", "path of the connector's jar, `flink-sql-connector-aws-kinesis-streams-6.0.0-2.0.jar`; "
                                   "required for Kinesis")
    topic_prefix: str = setting("", "prefix of every topic and stream name, such as `plant-a.` for `plant-a.readings`")
    consumer_group: str = setting("fire", "prefix of the jobs' Kafka consumer groups: `<group>-detect`, `-alert`, `-store`, "
                                          "`-archive`")
    file_input: str = setting("", "file that the file source reads, one JSON message per line (`.gz` allowed)")
    file_lines: str = setting("messages", "what the lines of that file are: messages, or records of messages with their arrival "
                                          "as `./fire replay` writes them", choices=("messages", "records"))
    file_output: str = setting("", "folder that the file sinks write to, one subfolder per result")
    registry: str = setting("", "device registry, a file or `s3://bucket/key` that every worker can read; empty: the default "
                                "profile for every device")
    parallelism: int = setting(0, "parallelism of a job; 0: the cluster's default")
    checkpoint_seconds: int = setting(10, "seconds between checkpoints, from which a job resumes; 0: the cluster's default")
    state_backend: str = setting("", "where the jobs keep their state: `hashmap` on the heap, or `rocksdb` on the TaskManager's "
                                     "disk, for more devices than the heap has room for, at more CPU per message; empty: the "
                                     "cluster's default, which is `hashmap` wherever this project configures it",
                                 choices=("hashmap", "rocksdb"))
    oldest_days: int = setting(31, "most days that a message's time is before its arrival; an older one is that of a wrong "
                                   "clock, and the arrival counts instead; 0: any time since 2015, as for a fleet that sends old "
                                   "messages")
    lateness_seconds: int = setting(5, "how far the watermark trails the newest event time")
    idle_timeout_seconds: int = setting(60, "seconds after which a partition without messages stops holding back the watermark; "
                                            "keep it above a Python worker's cold start (15 s and more)")
    deduplicate: bool = setting(True, "whether to drop a reading that repeats device, `idx` and event time; `false` if the fleet "
                                      "never repeats readings")
    deduplicate_minutes: int = setting(10, "minutes of event time for which a reading is remembered to recognise its "
                                          "duplicates")
    bundle_size: int = setting(10_000, "most readings passed to a Python worker at once")
    bundle_millis: int = setting(50, "longest wait for a bundle to fill, in milliseconds; bounds the alert latency, and a longer "
                                     "one saves CPU at low rates")
    python_executable: str = setting("", "Python of the cluster's workers; empty: the Python that submits the job")
    alert_delivery: str = setting("at-least-once", "delivery guarantee of the alert topic",
                                  choices=("at-least-once", "exactly-once"))
    postgres_host: str = setting("127.0.0.1", "database server of the store job and the services")
    postgres_port: int = setting(5432, "port of the database server")
    postgres_database: str = setting("fire", "name of the database")
    postgres_user: str = setting("fire", "user of the database")
    postgres_password: str = setting("", "password of the database user; empty: read from `PGPASSFILE`", secret=True)
    postgres_secret_arn: str = setting("", "ARN of a secret in AWS Secrets Manager with `username` and `password`; replaces "
                                           "database user and password")
    archive: str = setting("", "folder or `s3://bucket/prefix` to which the archive job writes every reading as Parquet; empty: "
                               "no archive")
    archive_seconds: int = setting(300, "seconds after which an archived file is completed")
    managed_flink: bool = setting(False, "whether to set only the Flink options that Managed Service for Apache Flink lets a "
                                         "program set; its package turns this on")
    job: str = setting("detect", "job that the package for Managed Flink runs", choices=("detect", "alert", "store"))
    postgres_read_host: str = setting("", "read replica that the dashboard queries; empty: the database server itself")
    postgres_read_port: int = setting(0, "port of the read replica; 0: the port of the database server")
    flink_addresses: str = setting("127.0.0.1:8081,127.0.0.1:8082", "JobManagers whose jobs the dashboard watches, "
                                   "`host:port[,host:port]`; empty: none")
    dashboard_host: str = setting("127.0.0.1", "address that the dashboard listens on; other than on a loopback address it needs "
                                               "a login and `FIRE_DASHBOARD_URL`")
    dashboard_port: int = setting(8080, "port that the dashboard listens on")
    dashboard_url: str = setting("", "address of the dashboard in browsers, such as `https://fire.example.org`; empty: made from "
                                     "its host and port")
    dashboard_users: str = setting("", "file of the people who may log in (`infra/dashboard/users.example.toml`)")
    dashboard_password: str = setting("", "password of the user `admin`, in addition to the users of the file; 12 characters or "
                                          "more", secret=True)
    dashboard_secret: str = setting("", "key that signs sessions, 32 characters or more; empty: a new key at every start, "
                                        "which ends all sessions", secret=True)
    dashboard_certificate: str = setting("", "TLS certificate of the dashboard (PEM file); empty: plain HTTP, as behind a proxy")
    dashboard_key: str = setting("", "private key of the dashboard's certificate (PEM file)")
    dashboard_proxies: int = setting(0, "number of reverse proxies in front of the dashboard whose `X-Forwarded-` headers are "
                                        "trusted")
    dashboard_threads: int = setting(400, "requests that the dashboard serves at once; each open page occupies one, all pages "
                                          "together at most three quarters")
    readings_retention_days: int = setting(30, "days for which readings stay in Postgres; expired by whole partitions")
    results_retention_days: int = setting(90, "days for which alerts and window results stay in Postgres")
    log_format: str = setting("text", "log format of services and long-running commands: lines for people or JSON for machines",
                              choices=("text", "json"))
    flink_metrics_port: int = setting(0, "first port of the embedded Flink's Prometheus reporters (one per process, all "
                                         "interfaces); 0: none, as `./fire metrics` reports the same figures on loopback")
    environment: str = setting("local", "name of this installation, the dimension `Environment` of its CloudWatch metrics")
    watch_list: str = setting("", "devices with CloudWatch metrics of their own, separated by commas; others are aggregated by "
                                  "site and level")
    home: str = setting(".fire", "folder of the launcher's venv, the jars, the logs and the embedded stack's data")
    maven_url: str = setting("", "Maven repository of the locked jars; empty: Maven Central")

    def __post_init__(self) -> None:
        for each in fields(self):
            choices = each.metadata["choices"]
            value = getattr(self, each.name)
            if choices and value not in (*choices, each.default):
                raise SettingsError(f"{variable(each.name)} is {value!r}; use one of: {', '.join(choices)}")
        if self.managed_flink and self.state_backend:
            raise SettingsError(f"FIRE_STATE_BACKEND is {self.state_backend!r}, but Managed Service for Apache Flink lets no "
                                "program choose and always uses RocksDB; remove the setting")
        if self.kinesis_discovery_seconds < LEAST_DISCOVERY_SECONDS:
            raise SettingsError(f"FIRE_KINESIS_DISCOVERY_SECONDS is {self.kinesis_discovery_seconds}; use "
                                f"{LEAST_DISCOVERY_SECONDS} or more")
        if self.uses_kinesis and not STREAMS_ARN.fullmatch(self.kinesis_streams):
            raise SettingsError(f"FIRE_KINESIS_STREAMS is {self.kinesis_streams!r}; use arn:aws:kinesis:REGION:ACCOUNT:stream/ "
                                "(with the slash at its end)")

    @property
    def results_in(self) -> str:
        """Where the detect job writes results and the alert job reads them: `kafka`, `kinesis` or `file`."""
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
        """Returns the settings from the environment and, if it exists, the property file of Managed Flink.

        Raises:
            SettingsError: a value is invalid, or a `FIRE_` variable or property is not a setting.
        """
        environ = os.environ if environ is None else environ
        texts = {variable(name): text for name, text in _application_properties(properties).items()}
        texts |= {name: text for name, text in environ.items() if name.startswith("FIRE_")}
        declared = {variable(each.name): each for each in fields(cls)}
        unknown = sorted(set(texts) - set(declared))
        if unknown:
            raise SettingsError(f"{', '.join(unknown)}: no such setting; docs/reference/settings.md lists them all")
        return cls(**{declared[name].name: _read(declared[name], text) for name, text in texts.items()})

    def topic(self, name: str) -> str:
        """Returns the name of a topic or stream with the configured prefix."""
        return f"{self.topic_prefix}{name}"


def variable(name: str) -> str:
    """Returns the environment variable of a setting: `kafka_brokers` → `FIRE_KAFKA_BROKERS`."""
    return f"FIRE_{name.upper()}"


def secret(name: str) -> str | None:
    """Returns the secret in the environment variable `name`, which a configuration file names; None if it is not set."""
    return os.environ.get(name)


def _application_properties(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    groups = json.loads(path.read_text(encoding="utf-8"))
    return next((group["PropertyMap"] for group in groups if group["PropertyGroupId"] == PROPERTY_GROUP), {})


def _read(setting_: Any, text: str) -> Any:
    if isinstance(setting_.default, bool):
        return _read_bool(setting_.name, text)
    if isinstance(setting_.default, int):
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
