"""How the Python clients of Kafka sign in: the same settings as the jobs, in the client's own words."""

from __future__ import annotations

from typing import Any

from jobs.settings import Settings, SettingsError

PROTOCOLS: dict[str, dict[str, Any]] = {
    "plaintext": {},
    "tls": {"security_protocol": "SSL"},
    "msk-iam": {"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"},
}


def security(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of `KafkaConsumer` and `KafkaProducer`; credentials for IAM are those that the AWS SDK finds.

    Raises:
        SettingsError: the Python clients do not sign in this way.
    """
    try:
        return PROTOCOLS[settings.kafka_security]
    except KeyError:
        raise SettingsError(f"FIRE_KAFKA_SECURITY is {settings.kafka_security!r}, which this command cannot use; "
                            f"use one of: {', '.join(PROTOCOLS)}") from None
