"""The JSON API over the same view models as the pages; `openapi.yaml` describes it, and a test compares the two."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Blueprint, Response, request
from flask_wtf.csrf import generate_csrf

from services.dashboard import json_text
from services.dashboard.auth import access
from services.dashboard.postgres import DatabaseUnavailableError
from services.dashboard.problems import UnusableError, answer
from services.dashboard.sources import here
from services.dashboard.views import alerts, corrections, devices, sites, system, window_results
from services.dashboard.views import overview as overviews
from services.dashboard.views.parameters import after, alert_filter, device_filter, limit

DESCRIPTION = Path(__file__).with_name("openapi.yaml")
DEAD_LETTERS = 20

blueprint = Blueprint("api", __name__)


def json_response(value: Any, status: int = 200) -> Response:
    """Returns a value as a JSON response."""
    return Response(json_text.dumps(value), status, content_type="application/json")


@blueprint.get("/api/overview")
def overview() -> Response:
    """Returns the overview: devices by level, open alerts, sites and the state of the pipeline."""
    return json_response(overviews.overview(here()))


@blueprint.get("/api/metrics")
def metrics() -> Response:
    """Returns only the figures of the overview."""
    return json_response(overviews.metrics(here()))


@blueprint.get("/api/sites")
def site_list() -> Response:
    """Returns one page of the list of sites."""
    return json_response(sites.sites(here(), after(), limit()))


@blueprint.get("/api/sites/<path:site_id>")
def site(site_id: str) -> Response:
    """Returns one site with a page of its devices."""
    return json_response(sites.site(here(), site_id, after(), limit()))


@blueprint.get("/api/devices")
def device_list() -> Response:
    """Returns one page of the list of devices."""
    return json_response(devices.devices(here(), device_filter(), after(), limit()))


@blueprint.get("/api/devices/<path:device_id>")
@blueprint.get("/api/device/<path:device_id>")
def device(device_id: str) -> Response:
    """Returns one device with its last 24 hours."""
    return json_response(devices.device(here(), device_id))


@blueprint.get("/api/realtime/<path:device_id>")
def realtime(device_id: str) -> Response:
    """Returns one device with its last hour and its newest reading."""
    return json_response(devices.realtime(here(), device_id))


@blueprint.get("/api/results/<result>/<path:subject>")
def window_result(result: str, subject: str) -> Response:
    """Returns a page of a window result's rows for one device or site, by the name of its topic."""
    return json_response(window_results.rows(here(), result, subject, after(), limit()))


@blueprint.get("/api/alerts")
def alert_list() -> Response:
    """Returns one page of the list of alerts."""
    return json_response(alerts.alerts(here(), alert_filter(), after(), limit()))


@blueprint.get("/api/alerts/<path:alert_id>")
def alert(alert_id: str) -> Response:
    """Returns one alert with its transitions and actions."""
    return json_response(alerts.alert(here(), alert_id))


@blueprint.post("/api/alerts/<path:alert_id>/acknowledge")
def acknowledge(alert_id: str) -> Response:
    """Acknowledges an alert and returns it; requires the role acknowledge."""
    user = access.require("acknowledge")
    return json_response(alerts.acknowledge(here(), alert_id, user.name, request.remote_addr or ""))


@blueprint.post("/api/alerts/<path:alert_id>/resolve")
def resolve(alert_id: str) -> Response:
    """Resolves an alert and returns it; requires the role acknowledge."""
    user, body = access.require("acknowledge"), _body(resolution=True, note=False)
    return json_response(alerts.resolve(here(), alert_id, user.name, request.remote_addr or "", body["resolution"], body["note"]))


@blueprint.get("/api/pipeline")
def pipeline_() -> Response:
    """Returns the state of the pipeline with a page of dead letters."""
    return json_response(system.pipeline(here(), after(), limit(DEAD_LETTERS)))


@blueprint.post("/api/pipeline/dead-letters/replay")
def replay() -> Response:
    """Sends a corrected message to the telemetry topic; requires the role admin."""
    user, body = access.require("admin"), _body(message=True, source=False)
    corrections.send(here(), body["source"], body["message"] or "", user.name, request.remote_addr or "")
    return json_response({"source": body["source"], "sent": True}, 202)


@blueprint.get("/api/session")
def session() -> Response:
    """Returns the user and the token that every POST must carry in the header X-CSRFToken."""
    return json_response({"name": access.who().name, "role": access.who().role, "csrf_token": generate_csrf()})


@blueprint.get("/api/stream")
def stream() -> Response:
    """Streams events to an open page as they happen."""
    feed = here().feed
    page = feed.enter()
    flow = Response(feed.flow(page), content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    flow.call_on_close(lambda: feed.leave(page))
    return flow


@blueprint.get("/api/openapi.json")
def description() -> Response:
    """Returns the OpenAPI document of this API."""
    return json_response(document())


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answers as long as this process runs."""
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Returns 200 if the database answers as well, else 503."""
    try:
        here().database.one("pulse")
    except DatabaseUnavailableError as problem:
        return answer(503, str(problem))
    return json_response({"status": "ok"})


@cache
def document() -> Any:
    """Reads the OpenAPI document from `openapi.yaml`."""
    return yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))


def _body(**fields: bool) -> dict[str, str | None]:
    """Returns the string fields of the request's JSON body; those passed as True are required.

    Raises:
        UnusableError: the body is not a JSON object, or a field is missing, unknown or not a string.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise UnusableError("the body must be a JSON object, sent as application/json")
    wrong = sorted(set(body) - set(fields)) + [name for name, needed in fields.items() if needed and body.get(name) is None]
    wrong += [name for name, value in body.items() if not isinstance(value, str | None)]
    if wrong:
        raise UnusableError(f"{', '.join(dict.fromkeys(wrong))}: missing, unknown or not a string; "
                            f"the fields of the body are {', '.join(fields)}")
    return {name: body.get(name) for name in fields}
