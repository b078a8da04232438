"""Security options of connections to Kafka in the rendered tables; test_managed_flink_jar tests the login to MSK itself."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from kafka import KafkaConsumer

from contract.declared import CONTRACT
from core import kafka_login
from core.settings import Settings, SettingsError
from jobs import alert, archive, detect, store
from jobs.flink import kafka, tables

TABLES = {"telemetry_raw", "candidates_raw", "raw_in", *(f"{name}_in" for name in CONTRACT.stored()),
          *(f"{result.name}_out" for job in ("detect", "alert") for result in CONTRACT.written_by(job)),
          *(f"{view}_out" for view in tables.FINISHED)}


def sql_of(settings: Settings) -> list[str]:
    """The statements of all jobs that declare a table of Kafka."""
    archived = replace(settings, archive="/archive")
    statements = [each.sql for job in (store, archive, alert, detect) for each in job.script(archived).declarations]
    return [sql for sql in statements if "'connector' = 'kafka'" in sql]


def options(sql: str) -> dict[str, str]:
    return dict(re.findall(r"^  'properties\.([^']+)' = '((?:[^']|'')*)',?$", sql, re.M))


def test_plaintext_adds_nothing() -> None:
    assert kafka.login_lines(Settings()) == ""
    assert not [sql for sql in sql_of(Settings()) if "security.protocol" in sql]


def test_every_kafka_table_logs_in_with_iam_where_told() -> None:
    declared = sql_of(Settings(kafka_security="msk-iam"))
    assert {re.findall(r"TABLE (\w+)", sql)[0] for sql in declared} == TABLES
    for given in map(options, declared):
        assert kafka_login.MSK_IAM.items() <= given.items()


def test_tls_trusts_the_configured_authority() -> None:
    assert kafka_login.options(Settings(kafka_security="tls")) == {"security.protocol": "SSL"}
    trusting = kafka_login.options(Settings(kafka_security="tls", kafka_truststore="/etc/fire/ca.pem"))
    assert trusting == {"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": "/etc/fire/ca.pem"}


def test_scram_names_the_login_module_of_the_jars_client() -> None:
    here, packaged = (kafka_login.options(Settings(kafka_security="scram", kafka_user="u", kafka_password="p",
                                                      managed_flink=managed))["sasl.jaas.config"] for managed in (False, True))
    assert here == f'{kafka_login.SHADED}{kafka_login.SCRAM} required username="u" password="p";'
    assert packaged == f'{kafka_login.SCRAM} required username="u" password="p";'


def test_quotes_in_a_password_cannot_add_an_option_to_login_or_table() -> None:
    settings = Settings(kafka_security="scram", kafka_user="u", kafka_password="""a";x="'b\\""")
    assert kafka_login.options(settings)["sasl.jaas.config"].endswith(r'''password="a\";x=\"'b\\";''')
    assert kafka_login.options(settings).keys() == {"security.protocol", "sasl.mechanism", "sasl.jaas.config"}
    assert r'''x=\"''b\\";',''' in kafka.login_lines(settings)


def test_scram_without_a_login_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="set FIRE_KAFKA_USER and FIRE_KAFKA_PASSWORD, or FIRE_KAFKA_SECRET_ARN"):
        kafka.login_lines(Settings(kafka_security="scram"))


@pytest.mark.parametrize(("configured", "expected"), [
    ({}, {"security_protocol": "PLAINTEXT"}),
    ({"kafka_security": "tls", "kafka_truststore": "ca.pem"}, {"security_protocol": "SSL", "ssl_cafile": "ca.pem"}),
    ({"kafka_security": "msk-iam"}, {"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}),
    ({"kafka_security": "scram", "kafka_user": "u", "kafka_password": "p"},
     {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": "u",
      "sasl_plain_password": "p"}),
])  # fmt: skip
def test_python_clients_use_the_same_security_as_the_jobs(configured: dict[str, str], expected: dict[str, str]) -> None:
    arguments = kafka_login.client(Settings(**configured))  # type: ignore[arg-type]
    assert arguments == expected
    assert arguments.keys() <= KafkaConsumer.DEFAULT_CONFIG.keys()
