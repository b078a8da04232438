"""The pages, each a template with the view model of its subject as `page`, and the forms on them."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for

from jobs.dashboard import access, alerts, corrections, devices, pipeline, sites
from jobs.dashboard.exports import csv_lines
from jobs.dashboard.language import local_path
from jobs.dashboard.overview import overview
from jobs.dashboard.parameters import after, alert_filter, device_filter, limit
from jobs.dashboard.sources import here

DEAD_LETTERS = 20

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def overview_page() -> str:
    """What burns and where, and whether the pipeline is well."""
    return render_template("overview.html", page=overview(here()))


@blueprint.get("/sites/<path:site_id>")
def site_page(site_id: str) -> str:
    """One site."""
    return render_template("site.html", page=sites.site(here(), site_id, after(), limit()))


@blueprint.get("/devices")
def devices_page() -> str:
    """The list of devices."""
    return render_template("devices.html", page=devices.devices(here(), device_filter(), after(), limit()))


@blueprint.get("/devices/<path:device_id>")
def device_page(device_id: str) -> str:
    """One device."""
    return render_template("device.html", page=devices.device(here(), device_id))


@blueprint.get("/alerts")
def alerts_page() -> str:
    """The list of alerts."""
    return render_template("alerts.html", page=alerts.alerts(here(), alert_filter(), after(), limit()))


@blueprint.get("/alerts.csv")
def alerts_csv() -> Response:
    """All alerts of the filter, as a table for spreadsheets."""
    rows = alerts.every(here(), alert_filter())
    first = list(islice(rows, 1))  # a database that is away must be noticed before the answer begins
    told = Response(stream_with_context(csv_lines(chain(first, rows))), content_type="text/csv; charset=utf-8")
    told.headers["Content-Disposition"] = 'attachment; filename="alerts.csv"'
    return told


@blueprint.get("/alerts/<path:alert_id>")
def alert_page(alert_id: str) -> str:
    """One alert."""
    return render_template("alert.html", page=alerts.alert(here(), alert_id))


@blueprint.get("/pipeline")
def pipeline_page() -> str:
    """The engineer's page."""
    return render_template("pipeline.html", page=pipeline.pipeline(here(), after(), limit(DEAD_LETTERS)))


@blueprint.post("/alerts/<path:alert_id>/acknowledge")
def acknowledge(alert_id: str) -> Any:
    """The button of an alert."""
    user = access.require("acknowledge")
    alerts.acknowledge(here(), alert_id, user.name, request.remote_addr or "")
    flash("flash.acknowledged")
    return _back(url_for("pages.alert_page", alert_id=alert_id))


@blueprint.post("/alerts/<path:alert_id>/resolve")
def resolve(alert_id: str) -> Any:
    """The form of an alert."""
    user = access.require("acknowledge")
    alerts.resolve(here(), alert_id, user.name, request.remote_addr or "", request.form.get("resolution"),
                   request.form.get("note"))
    flash("flash.resolved")
    return _back(url_for("pages.alert_page", alert_id=alert_id))


@blueprint.post("/pipeline/dead-letters/replay")
def replay() -> Any:
    """The form of a dead letter: sends what was corrected."""
    user = access.require("admin")
    corrections.send(here(), request.form.get("source") or None, request.form.get("message", ""), user.name,
                     request.remote_addr or "")
    flash("flash.replayed")
    return _back(url_for("pages.pipeline_page"))


def _back(usual: str) -> Any:
    """To the page that the form names, else to the usual one."""
    named = request.form.get("next")
    return redirect(local_path(named) if named else usual, 303)
