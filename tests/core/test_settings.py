"""Settings come from the environment and Managed Flink's properties, are validated strictly and never print a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.settings import Settings, SettingsError


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.load({}) == Settings()


def test_environment_is_read_with_its_types() -> None:
    environ = {"FIRE_LATENESS_SECONDS": "9", "FIRE_DEDUPLICATE": "false", "FIRE_KAFKA_BROKERS": "k:1", "PATH": "/bin"}
    loaded = Settings.load(environ)
    assert (loaded.lateness_seconds, loaded.deduplicate, loaded.kafka_brokers) == (9, False, "k:1")


def test_environment_takes_precedence_over_managed_flinks_properties(tmp_path: Path) -> None:
    file = tmp_path / "application_properties.json"
    file.write_text(json.dumps([{"PropertyGroupId": "other", "PropertyMap": {"x": "y"}},
                                {"PropertyGroupId": "fire", "PropertyMap": {"kafka_brokers": "msk:9098", "topic_prefix": "a."}}]))
    loaded = Settings.load({"FIRE_TOPIC_PREFIX": "b."}, file)
    assert (loaded.kafka_brokers, loaded.topic("alerts")) == ("msk:9098", "b.alerts")


@pytest.mark.parametrize(("name", "text", "message"), [
    ("FIRE_SOURCE", "carrier-pigeon", "FIRE_SOURCE is 'carrier-pigeon'; use one of: kafka, kinesis, file"),
    ("FIRE_DEDUPLICATE", "perhaps", "FIRE_DEDUPLICATE is 'perhaps'; use true or false"),
    ("FIRE_POSTGRES_PORT", "-1", "FIRE_POSTGRES_PORT is '-1'; use a whole number, 0 or more"),
    ("FIRE_TYPO", "1", "FIRE_TYPO: no such setting"),
    ("FIRE_KINESIS_DISCOVERY_SECONDS", "4", "FIRE_KINESIS_DISCOVERY_SECONDS is 4; use 5 or more"),
    ("FIRE_SOURCE", "kinesis", "FIRE_KINESIS_STREAMS is ''; use arn:aws:kinesis:REGION:ACCOUNT:stream/"),
    ("FIRE_STATE_BACKEND", "heap", "FIRE_STATE_BACKEND is 'heap'; use one of: hashmap, rocksdb"),
    ("FIRE_RESULTS", "file", "FIRE_RESULTS is 'file'; use one of: kafka, kinesis"),
])  # fmt: skip
def test_invalid_value_is_refused_with_its_name_and_the_remedy(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.load({name: text})


def test_state_backend_is_refused_where_the_service_decides() -> None:
    with pytest.raises(SettingsError, match="FIRE_STATE_BACKEND is 'hashmap', but Managed Service for Apache Flink"):
        Settings(managed_flink=True, state_backend="hashmap")
    assert Settings(state_backend="rocksdb").state_backend == "rocksdb" and Settings(managed_flink=True)


def test_secret_is_not_printed() -> None:
    assert "hunter2" not in repr(Settings(postgres_password="hunter2", kafka_password="hunter2"))


@pytest.mark.parametrize(("chosen", "results", "alerts"), [
    ({}, "kafka", "kafka"), ({"source": "file"}, "file", "file"), ({"source": "kinesis"}, "kinesis", "kinesis"),
    ({"source": "kinesis", "results": "kafka"}, "kafka", "kafka"), ({"alerts": "kinesis"}, "kafka", "kinesis"),
    ({"source": "file", "results": "kafka", "alerts": "kafka"}, "file", "file"),
])  # fmt: skip
def test_results_default_to_the_source_and_alerts_to_the_results(
        chosen: dict[str, str], results: str, alerts: str) -> None:
    settings = Settings(kinesis_streams="arn:aws:kinesis:eu-west-1:123456789012:stream/", **chosen)
    assert (settings.results_in, settings.alerts_in) == (results, alerts)
