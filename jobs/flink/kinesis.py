"""Connector options for tables of Amazon Kinesis Data Streams. Streams have the same names as topics.

Credentials are never part of a table: the connector uses the default chain of the AWS SDK.
"""

from __future__ import annotations

from core.settings import Settings
from jobs.flink.literals import literal


def substitutions(settings: Settings) -> dict[str, str]:
    """Returns the value of each `${NAME}` in SQL for Kinesis; empty values without streams, when no such SQL is declared."""
    arn = settings.kinesis_streams.split(":")
    literals = {
        "KINESIS_STREAMS": settings.kinesis_streams,
        "KINESIS_REGION": arn[3] if len(arn) > 3 else "",
        "KINESIS_DISCOVERY_SECONDS": settings.kinesis_discovery_seconds,
    }
    return {name: literal(value) for name, value in literals.items()} | _endpoint(settings)


def _endpoint(settings: Settings) -> dict[str, str]:
    """Returns the option lines for an emulator, which speaks only HTTP/1.1 while the sink defaults to HTTP/2; none for AWS."""
    if not settings.kinesis_endpoint:
        return {"KINESIS_SOURCE_ENDPOINT": "", "KINESIS_SINK_ENDPOINT": ""}
    endpoint = f"'aws.endpoint' = '{literal(settings.kinesis_endpoint)}',"
    return {"KINESIS_SOURCE_ENDPOINT": endpoint,
            "KINESIS_SINK_ENDPOINT": f"{endpoint}\n  'sink.http-client.protocol.version' = 'HTTP1_1',"}
