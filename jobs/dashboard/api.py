"""The JSON API: the same view models as the pages; `openapi.yaml` describes it, and a test compares the two."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Blueprint, Response, request
from flask_wtf.csrf import generate_csrf

from jobs.dashboard import access, alerts, corrections, devices, json_text, pipeline, sites
from jobs.dashboard import overview as overviews
from jobs.dashboard.parameters import after, alert_filter, device_filter, limit
from jobs.dashboard.problems import UnusableError, answer
from jobs.dashboard.queries import DatabaseAwayError
from jobs.dashboard.sources import here

DESCRIPTION = Path(__file__).with_name("openapi.yaml")
DEAD_LETTERS = 20

blueprint = Blueprint("api", __name__)


def told(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(json_text.dumps(value), status, content_type="application/json")


@blueprint.get("/api/overview")
def overview() -> Response:
    """The overview."""
    return told(overviews.overview(here()))


@blueprint.get("/api/metrics")
def metrics() -> Response:
    """Its figures alone."""
    return told(overviews.metrics(here()))


@blueprint.get("/api/sites")
def site_list() -> Response:
    """A page of sites."""
    return told(sites.sites(here(), after(), limit()))


@blueprint.get("/api/sites/<path:site_id>")
def site(site_id: str) -> Response:
    """One site."""
    return told(sites.site(here(), site_id, after(), limit()))


@blueprint.get("/api/devices")
def device_list() -> Response:
    """A page of devices."""
    return told(devices.devices(here(), device_filter(), after(), limit()))


@blueprint.get("/api/devices/<path:device_id>")
@blueprint.get("/api/device/<path:device_id>")
def device(device_id: str) -> Response:
    """One device."""
    return told(devices.device(here(), device_id))


@blueprint.get("/api/realtime/<path:device_id>")
def realtime(device_id: str) -> Response:
    """Its last hour."""
    return told(devices.realtime(here(), device_id))


@blueprint.get("/api/alerts")
def alert_list() -> Response:
    """A page of alerts."""
    return told(alerts.alerts(here(), alert_filter(), after(), limit()))


@blueprint.get("/api/alerts/<path:alert_id>")
def alert(alert_id: str) -> Response:
    """One alert."""
    return told(alerts.alert(here(), alert_id))


@blueprint.post("/api/alerts/<path:alert_id>/acknowledge")
def acknowledge(alert_id: str) -> Response:
    """Acknowledges an alert."""
    user = access.require("acknowledge")
    return told(alerts.acknowledge(here(), alert_id, user.name, request.remote_addr or ""))


@blueprint.post("/api/alerts/<path:alert_id>/resolve")
def resolve(alert_id: str) -> Response:
    """Resolves an alert."""
    user, given = access.require("acknowledge"), _body(resolution=True, note=False)
    return told(alerts.resolve(here(), alert_id, user.name, request.remote_addr or "", given["resolution"], given["note"]))


@blueprint.get("/api/pipeline")
def pipeline_() -> Response:
    """The pipeline, with a page of dead letters."""
    return told(pipeline.pipeline(here(), after(), limit(DEAD_LETTERS)))


@blueprint.post("/api/pipeline/dead-letters/replay")
def replay() -> Response:
    """Sends a corrected message."""
    user, given = access.require("admin"), _body(message=True, source=False)
    corrections.send(here(), given["source"], given["message"] or "", user.name, request.remote_addr or "")
    return told({"source": given["source"], "sent": True}, 202)


@blueprint.get("/api/session")
def session() -> Response:
    """Who is logged in, and the token that every POST must carry in the header X-CSRFToken."""
    return told({"name": access.who().name, "role": access.who().role, "csrf_token": generate_csrf()})


@blueprint.get("/api/stream")
def stream() -> Response:
    """Events as they happen."""
    feed = here().feed
    page = feed.enter()
    flow = Response(feed.flow(page), content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    flow.call_on_close(lambda: feed.leave(page))
    return flow


@blueprint.get("/api/openapi.json")
def description() -> Response:
    """This API's description."""
    return told(document())


@blueprint.get("/healthz")
def healthz() -> Response:
    """Whether this process answers."""
    return told({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether the database answers too."""
    try:
        here().database.one("pulse")
    except DatabaseAwayError as away:
        return answer(503, str(away))
    return told({"status": "ok"})


@cache
def document() -> Any:
    """The OpenAPI document."""
    return yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))


def _body(**fields: bool) -> dict[str, str | None]:
    """The texts of a JSON body; True: it must be there.

    Raises:
        UnusableError: the body is no JSON object, or a field is missing, unknown or no text.
    """
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise UnusableError("the body must be a JSON object, sent as application/json")
    wrong = sorted(set(given) - set(fields)) + [name for name, needed in fields.items() if needed and given.get(name) is None]
    wrong += [name for name, value in given.items() if not isinstance(value, str | None)]
    if wrong:
        raise UnusableError(f"{', '.join(dict.fromkeys(wrong))}: the body has {', '.join(fields)}, each a text")
    return {name: given.get(name) for name in fields}
