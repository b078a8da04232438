"""The Kafka topics: who writes them, how they are keyed, and how long they keep what they hold."""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 86_400_000
LARGEST_BATCH = 1_048_588
"""Bytes of the largest batch of records that a topic takes (`max.message.bytes`); Kafka's own default."""
LARGEST_RECORD = 1_000_000
"""Bytes of the largest record that a job sends (`max.request.size`): compression may make a batch larger than its records."""


@dataclass(frozen=True)
class Topic:
    """One topic; `key` is the JSON field that partitions it, `meaning` its line in the README."""

    name: str
    key: str
    partitions: int
    retention_days: int
    meaning: str


TOPICS = (
    Topic("telemetry", "deviceId", 4, 7, "device messages as they arrive, untouched"),
    Topic("dead-letters", "", 1, 30, "refused messages: first 64 KiB (base64), size, digest, where they came from, and the reason"),
    Topic("readings", "device_id", 4, 7, "every reading, validated and scored, once"),
    Topic("device-minutes", "device_id", 4, 7, "one row per device and minute with readings"),
    Topic("device-5min-aggregates", "device_id", 4, 7, "one row per device and 5 minutes with readings"),
    Topic("temperature-rises", "device_id", 4, 7, "one row per device and 10 seconds while its temperature rises steeply"),
    Topic("temperature-anomalies", "device_id", 4, 7, "one row per device and minute hotter than its hour explains"),
    Topic("co-exposure", "device_id", 4, 7, "one row per device and minute with too much carbon monoxide for too long"),
    Topic("risk-spikes", "device_id", 4, 7, "one row per device and minute whose risk jumped"),
    Topic("arc-patterns", "device_id", 4, 7, "one row per device and minute with arcs in its last ten"),
    Topic("device-correlations", "site_id", 4, 7, "one row per pair of a site's devices and minute, one of them at risk"),
    Topic("site-risk", "site_id", 4, 7, "one row per site and minute with readings"),
    Topic("device-patterns", "device_id", 4, 7, "one row per device and 5 minutes: the patterns of its last hour"),
    Topic("candidates", "subject", 4, 7, "what deserves a look, and the minutes after it"),
    Topic("alerts", "subject", 4, 30, "transitions of alerts: OPENED, ESCALATED, REMINDED, CLEARED"),
    Topic("alert-state", "alert_id", 4, 7, "how open alerts stand between their transitions; `transition` is null"),
)
