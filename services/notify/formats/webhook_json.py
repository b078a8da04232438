"""The body of a webhook call."""

from __future__ import annotations

import json

from services.notify.content import content, hazards, measurements
from services.notify.notification import Notice

SCHEMA_VERSION = 1


def payload(notice: Notice) -> bytes:
    """Returns the notice as JSON in ASCII: the alert's row as on its topic, and what a person reads in the channel's language."""
    said = content(notice)
    return json.dumps({
        "schema_version": SCHEMA_VERSION, "idempotency_key": notice.key, "channel": notice.channel, "language": notice.language,
        "message": notice.message, "recommendations": notice.recommendations, "title": said.title, "facts": dict(said.facts),
        "hazards": hazards(notice), "measurements": dict(measurements(notice)), "link": said.link or None,
        "place": {"site_name": notice.place.site_name, "zone": notice.place.zone, "time_zone": notice.place.time_zone},
        "is_test": notice.place.is_test, "alert": notice.alert}).encode()
