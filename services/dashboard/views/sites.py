"""View models of sites: the cards of the overview, and one site with its devices, correlations, risk and alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.dashboard.postgres import Row
from services.dashboard.problems import NotFoundError
from services.dashboard.sources import Sources
from services.dashboard.views import devices, json_rows
from services.dashboard.views.paging import cursor, position
from udfs.readings.thresholds import SITE_DEVICES

PRESENT = timedelta(minutes=10)
"""The age up to which a site's risk is current."""
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
CORRELATIONS, CLUSTERS, ALERTS = 50, 60, 100


def sites(sources: Sources, after: str | None, limit: int) -> dict[str, Any]:
    """Returns a page of the sites' cards, worst first.

    Raises:
        BadRequestError: the cursor does not belong to this list.
    """
    (skipped,) = position(after, int)
    items, total = cards(sources, sources.now(), skipped or 0, limit + 1)
    return {"items": items[:limit], "next": cursor((skipped or 0) + limit) if len(items) > limit else None, "total": total}


def cards(sources: Sources, now: datetime, skipped: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Returns the cards of sites, worst first, after the `skipped` first ones, and the number of all sites."""
    rows = sources.database.rows("sites", since=now - PRESENT, after=skipped, limit=limit)
    return [_card(row) for row in rows], rows[0]["total"] if rows else 0


def _card(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("site_id", "devices", "at_risk", "site_risk", "risk_level", "open_alerts")} | {
        "last_seen": json_rows.stamp(row["last_seen"])}


def site(sources: Sources, site_id: str, after: str | None = None, limit: int = 50) -> dict[str, Any]:
    """Returns one site with a page of its devices, its correlations, clusters and alerts.

    Raises:
        NotFoundError: the site has no device and never had any.
        BadRequestError: the cursor does not belong to the list of its devices.
    """
    database, now = sources.database, sources.now()
    if database.row("site_known", site=site_id) is None:
        raise NotFoundError(f"there is no site {site_id}; the overview lists all sites")
    risk = database.row("site", site=site_id)
    correlations = database.rows("site_correlations", site=site_id, since=now - HOUR, limit=CORRELATIONS)
    clusters = database.rows("site_clusters", site=site_id, since=now - HOUR, least=SITE_DEVICES, limit=CLUSTERS)
    alerts = database.rows("site_alerts", site=site_id, since=now - WEEK, limit=ALERTS)
    return {
        "site_id": site_id, "as_of": json_rows.stamp(now), "risk": json_rows.plain(risk) if risk else None,
        "devices": devices.devices(sources, devices.Filter(site=site_id), after, limit),
        "correlations": [json_rows.plain(row) for row in correlations], "clusters": [json_rows.plain(row) for row in clusters],
        "alerts": [json_rows.alert(row) for row in alerts],
    }  # fmt: skip
