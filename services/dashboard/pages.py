"""The HTML pages, each a template that gets its view model as `page`, and the forms on them."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for

from services.dashboard.auth import access
from services.dashboard.auth.locale import local_path
from services.dashboard.sources import here
from services.dashboard.views import alerts, corrections, devices, sites, system
from services.dashboard.views.exports import csv_lines
from services.dashboard.views.overview import overview
from services.dashboard.views.parameters import after, alert_filter, device_filter, limit

DEAD_LETTERS = 20

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def overview_page() -> str:
    """Renders the overview: the worst alerts, the sites and the state of the pipeline."""
    return render_template("overview.html", page=overview(here()))


@blueprint.get("/sites/<path:site_id>")
def site_page(site_id: str) -> str:
    """Renders the page of one site."""
    return render_template("site.html", page=sites.site(here(), site_id, after(), limit()))


@blueprint.get("/devices")
def devices_page() -> str:
    """Renders the list of devices."""
    return render_template("devices.html", page=devices.devices(here(), device_filter(), after(), limit()))


@blueprint.get("/devices/<path:device_id>")
def device_page(device_id: str) -> str:
    """Renders the page of one device."""
    return render_template("device.html", page=devices.device(here(), device_id))


@blueprint.get("/alerts")
def alerts_page() -> str:
    """Renders the list of alerts."""
    return render_template("alerts.html", page=alerts.alerts(here(), alert_filter(), after(), limit()))


@blueprint.get("/alerts.csv")
def alerts_csv() -> Response:
    """Streams all alerts that match the filter as CSV."""
    rows = alerts.every(here(), alert_filter())
    first = list(islice(rows, 1))  # a database error must be raised before the response begins
    response = Response(stream_with_context(csv_lines(chain(first, rows))), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="alerts.csv"'
    return response


@blueprint.get("/alerts/<path:alert_id>")
def alert_page(alert_id: str) -> str:
    """Renders the page of one alert."""
    return render_template("alert.html", page=alerts.alert(here(), alert_id))


@blueprint.get("/pipeline")
def pipeline_page() -> str:
    """Renders the page for engineers: jobs, lag, dead letters, notifications."""
    return render_template("pipeline.html", page=system.pipeline(here(), after(), limit(DEAD_LETTERS)))


@blueprint.post("/alerts/<path:alert_id>/acknowledge")
def acknowledge(alert_id: str) -> Any:
    """Handles the acknowledge button of an alert."""
    user = access.require("acknowledge")
    alerts.acknowledge(here(), alert_id, user.name, request.remote_addr or "")
    flash("flash.acknowledged")
    return _back(url_for("pages.alert_page", alert_id=alert_id))


@blueprint.post("/alerts/<path:alert_id>/resolve")
def resolve(alert_id: str) -> Any:
    """Handles the form that resolves an alert."""
    user = access.require("acknowledge")
    alerts.resolve(here(), alert_id, user.name, request.remote_addr or "", request.form.get("resolution"),
                   request.form.get("note"))
    flash("flash.resolved")
    return _back(url_for("pages.alert_page", alert_id=alert_id))


@blueprint.post("/pipeline/dead-letters/replay")
def replay() -> Any:
    """Handles the form that corrects a dead letter and sends it."""
    user = access.require("admin")
    corrections.send(here(), request.form.get("source") or None, request.form.get("message", ""), user.name,
                     request.remote_addr or "")
    flash("flash.replayed")
    return _back(url_for("pages.pipeline_page"))


def _back(usual: str) -> Any:
    """Redirects to the page that the form names, or to `usual` if it names none."""
    named = request.form.get("next")
    return redirect(local_path(named) if named else usual, 303)
