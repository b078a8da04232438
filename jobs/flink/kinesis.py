"""What the tables of Amazon Kinesis Data Streams are told; streams are called like topics.

Credentials are never part of a table: the connector takes those that the AWS SDK finds by itself.
"""

from __future__ import annotations

from core.settings import Settings
from jobs.flink.literals import text


def names(settings: Settings) -> dict[str, str]:
    """What the SQL of Kinesis may ask for by `${NAME}`; without a stream's ARN empty, and then no such SQL is declared."""
    arn = settings.kinesis_streams.split(":")
    given = {
        "KINESIS_STREAMS": settings.kinesis_streams,
        "KINESIS_REGION": arn[3] if len(arn) > 3 else "",
        "KINESIS_DISCOVERY_SECONDS": settings.kinesis_discovery_seconds,
    }
    return {name: text(value) for name, value in given.items()} | _endpoint(settings)


def _endpoint(settings: Settings) -> dict[str, str]:
    """The lines for an emulator, none for AWS; emulators answer in HTTP/1.1 only, and the sink's client asks in HTTP/2."""
    if not settings.kinesis_endpoint:
        return {"KINESIS_SOURCE_ENDPOINT": "", "KINESIS_SINK_ENDPOINT": ""}
    endpoint = f"'aws.endpoint' = '{text(settings.kinesis_endpoint)}',"
    return {"KINESIS_SOURCE_ENDPOINT": endpoint,
            "KINESIS_SINK_ENDPOINT": f"{endpoint}\n  'sink.http-client.protocol.version' = 'HTTP1_1',"}
