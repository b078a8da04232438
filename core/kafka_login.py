"""Security options for connections to Kafka, for the jobs' tables and for the commands' own clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import secrets_manager
from core.settings import Settings, SettingsError

SHADED = "org.apache.flink.kafka.shaded."
"""Package prefix of the Kafka client in Flink's SQL connector; the jar built by `./fire package` does not rename it."""
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
MSK_IAM = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "AWS_MSK_IAM",
    "sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
    "sasl.client.callback.handler.class": "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
}


def options(settings: Settings) -> Mapping[str, str]:
    """Returns the options of Kafka's Java client for the configured security; empty for plaintext.

    Raises:
        SettingsError: the login for `scram` is missing.
        SecretError: the secret with the login for `scram` cannot be read.
    """
    if settings.kafka_security == "plaintext":
        return {}
    protocols = {"tls": {"security.protocol": "SSL"}, "msk-iam": MSK_IAM}
    authority = {"ssl.truststore.type": "PEM", "ssl.truststore.location": settings.kafka_truststore}
    protocol = protocols.get(settings.kafka_security) or _scram(settings)
    return protocol | (authority if settings.kafka_truststore else {})


def client(settings: Settings) -> dict[str, Any]:
    """Returns keyword arguments of kafka-python's clients for the configured security.

    Raises:
        SettingsError: the login for `scram` is missing.
        SecretError: the secret with the login for `scram` cannot be read.
    """
    authority = {"ssl_cafile": settings.kafka_truststore} if settings.kafka_truststore else {}
    protocol = {"security_protocol": options(settings).get("security.protocol", "PLAINTEXT")}
    if settings.kafka_security == "msk-iam":
        return {**protocol, **authority, "sasl_mechanism": "AWS_MSK_IAM"}
    if settings.kafka_security != "scram":
        return {**protocol, **authority}
    login = _login(settings)
    return {**protocol, **authority, "sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": login.user,
            "sasl_plain_password": login.password}


def _scram(settings: Settings) -> dict[str, str]:
    login = _login(settings)
    module = SCRAM if settings.managed_flink else SHADED + SCRAM
    return {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": f"{module} required username={_quoted(login.user)} password={_quoted(login.password)};"}


def _login(settings: Settings) -> secrets_manager.Login:
    if settings.kafka_secret_arn:
        return secrets_manager.login(settings.kafka_secret_arn)
    if not (settings.kafka_user and settings.kafka_password):
        raise SettingsError("FIRE_KAFKA_SECURITY is scram; set FIRE_KAFKA_USER and FIRE_KAFKA_PASSWORD, or FIRE_KAFKA_SECRET_ARN")
    return secrets_manager.Login(settings.kafka_user, settings.kafka_password)


def _quoted(value: str) -> str:
    """Returns a value as the double-quoted text of a JAAS option."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
