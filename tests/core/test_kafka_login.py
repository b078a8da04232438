"""How brokers are spoken to, as the tables say it; the login of MSK itself is tried in test_managed_flink_jar."""

from __future__ import annotations

import re

import pytest
from kafka import KafkaConsumer

from core import kafka_login
from core.settings import Settings, SettingsError
from jobs import alert, archive, detect, store
from jobs.flink import kafka
from jobs.flink.sql_files import SQL, statement

TABLES = sorted(file for file in SQL.rglob("*.sql") if "'connector' = 'kafka'" in file.read_text(encoding="utf-8"))


def sql_of(settings: Settings) -> list[str]:
    names = (store.names(settings) | archive.names(settings) | alert.names(settings) | detect.names(settings)
             | detect.sinks(settings)[0])
    return [statement(file, names) for file in TABLES]


def options(sql: str) -> dict[str, str]:
    return dict(re.findall(r"^  'properties\.([^']+)' = '((?:[^']|'')*)',?$", sql, re.M))


def test_plaintext_adds_nothing() -> None:
    assert kafka.lines(Settings()) == ""
    assert not [sql for sql in sql_of(Settings()) if "security.protocol" in sql]


def test_every_kafka_table_logs_in_with_iam_where_told() -> None:
    found = [options(sql) for sql in sql_of(Settings(kafka_security="msk-iam"))]
    assert len(found) == len(TABLES) > 10
    for given in found:
        assert kafka_login.MSK_IAM.items() <= given.items()


def test_tls_trusts_the_authority_that_is_named() -> None:
    assert kafka_login.options(Settings(kafka_security="tls")) == {"security.protocol": "SSL"}
    given = kafka_login.options(Settings(kafka_security="tls", kafka_truststore="/etc/fire/ca.pem"))
    assert given == {"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": "/etc/fire/ca.pem"}


def test_scram_names_the_login_of_the_client_that_the_jar_holds() -> None:
    here, packaged = (kafka_login.options(Settings(kafka_security="scram", kafka_user="u", kafka_password="p",
                                                      managed_flink=managed))["sasl.jaas.config"] for managed in (False, True))
    assert here == f'{kafka_login.SHADED}{kafka_login.SCRAM} required username="u" password="p";'
    assert packaged == f'{kafka_login.SCRAM} required username="u" password="p";'


def test_password_with_quotes_adds_no_option_to_login_or_table() -> None:
    settings = Settings(kafka_security="scram", kafka_user="u", kafka_password="""a";x="'b\\""")
    assert kafka_login.options(settings)["sasl.jaas.config"].endswith(r'''password="a\";x=\"'b\\";''')
    assert kafka_login.options(settings).keys() == {"security.protocol", "sasl.mechanism", "sasl.jaas.config"}
    assert r'''x=\"''b\\";',''' in kafka.lines(settings)


def test_scram_without_a_login_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="set FIRE_KAFKA_USER and FIRE_KAFKA_PASSWORD, or FIRE_KAFKA_SECRET_ARN"):
        kafka.lines(Settings(kafka_security="scram"))


@pytest.mark.parametrize(("given", "expected"), [
    ({}, {"security_protocol": "PLAINTEXT"}),
    ({"kafka_security": "tls", "kafka_truststore": "ca.pem"}, {"security_protocol": "SSL", "ssl_cafile": "ca.pem"}),
    ({"kafka_security": "msk-iam"}, {"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}),
    ({"kafka_security": "scram", "kafka_user": "u", "kafka_password": "p"},
     {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": "u",
      "sasl_plain_password": "p"}),
])  # fmt: skip
def test_commands_that_are_clients_speak_to_brokers_as_the_jobs_do(given: dict[str, str], expected: dict[str, str]) -> None:
    made = kafka_login.client(Settings(**given))  # type: ignore[arg-type]
    assert made == expected
    assert made.keys() <= KafkaConsumer.DEFAULT_CONFIG.keys()
