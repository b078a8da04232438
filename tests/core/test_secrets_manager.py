"""Logins from AWS Secrets Manager, emulated on the loopback address, and their absence from plans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from commands.cluster.submit import connector_jars
from commands.replay.replay import local_configuration
from core import kafka_login, secrets_manager
from core.settings import Settings
from jobs import store
from jobs.flink.environment import table_environment

PASSWORD = "it's a \"canary\""


@pytest.fixture(scope="module")
def secrets() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://{}:{}".format(*server.get_host_and_port()))
        yield boto3.client("secretsmanager", region_name="eu-west-1")
    server.stop()


@pytest.fixture(scope="module")
def arn(secrets: Any) -> str:
    content = {"username": "fire_store", "password": PASSWORD, "engine": "postgres"}
    return str(secrets.create_secret(Name="fire/database", SecretString=json.dumps(content))["ARN"])


def test_login_is_read_by_its_arn_and_its_password_is_never_printed(arn: str) -> None:
    login = secrets_manager.login(arn)
    assert (login.user, login.password) == ("fire_store", PASSWORD)
    assert "canary" not in repr(login)


def test_a_missing_secret_is_reported_with_the_permission_it_needs(secrets: Any) -> None:
    with pytest.raises(secrets_manager.SecretError, match="allow secretsmanager:GetSecretValue"):
        secrets_manager.login("arn:aws:secretsmanager:eu-west-1:123456789012:secret:absent-AbCdEf")


@pytest.mark.parametrize("content", ["hunter2", '["hunter2"]', '{"password": "hunter2"}'])
def test_secret_of_another_form_is_refused_without_its_content(secrets: Any, content: str) -> None:
    arn = secrets.create_secret(Name=f"odd-{len(content)}", SecretString=content)["ARN"]
    with pytest.raises(secrets_manager.SecretError, match="not a JSON object with username and password") as refusal:
        secrets_manager.login(arn)
    assert "hunter2" not in "".join(map(str, [refusal.value, refusal.value.__cause__]))


def test_text_that_is_not_the_arn_of_a_secret_is_refused() -> None:
    with pytest.raises(secrets_manager.SecretError, match="arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME"):
        secrets_manager.login("fire/database")


def test_kafka_login_comes_from_the_configured_secret(arn: str) -> None:
    options = kafka_login.options(Settings(kafka_security="scram", kafka_secret_arn=arn))
    assert 'username="fire_store"' in options["sasl.jaas.config"]


def test_store_logs_in_as_the_secret_says_and_no_plan_shows_it(arn: str) -> None:
    home = Path(Settings.load().home).absolute()
    if not (home / "jars" / "flink").exists():
        pytest.skip(f"{home / 'jars' / 'flink'} holds no jars; ./fire test downloads them")
    settings = Settings(postgres_secret_arn=arn, home=str(home))
    assert store.postgres_login(settings) == """'username' = 'fire_store',\n  'password' = 'it''s a "canary"',"""
    assert "user=" not in store.postgres_url(settings) and "canary" not in store.postgres_url(settings)
    jars = ";".join(jar.as_uri() for jar in connector_jars(settings))
    t_env = table_environment(settings, "store", local_configuration() | {"pipeline.jars": jars})
    declared, = (each.sql for each in store.script(settings).declarations if "TABLE site_risk_out " in each.sql)
    assert "canary" in declared
    t_env.execute_sql(declared)
    plan = t_env.explain_sql("INSERT INTO site_risk_out (site_id, window_end) VALUES ('s', '2025-10-09T09:00:00.000Z')")
    assert "site_risk_out" in plan and "canary" not in plan
