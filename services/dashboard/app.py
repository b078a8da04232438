"""The live dashboard: pages and a JSON API over the results in Postgres, the alert topic and Flink's REST API."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from core.settings import Settings
from services.dashboard import api, json_text, pages, presentation, problems
from services.dashboard.auth import access, binding, locale, security, users
from services.dashboard.live.cache import Cache
from services.dashboard.live.health import Health
from services.dashboard.live.stream import Feed
from services.dashboard.postgres import Database, connect
from services.dashboard.sources import NAME, Sources, wall_clock

LONGEST_BODY = 1_000_000


def create_app(settings: Settings, *, database: Database | None = None, clock: Callable[[], datetime] = wall_clock,
               watches: bool = True) -> Flask:
    """Creates the application; without `watches` it observes neither Kafka nor Flink and has no live events.

    Raises:
        FireError: it would be reachable without a login, or its users cannot be loaded.
    """
    address = binding.checked(settings)
    accounts = users.load(settings)
    binding.refuse_open(settings, accounts)
    app = Flask(__name__)
    app.json = json_text.Provider(app)
    app.extensions[NAME] = _sources(settings, database or connect(settings), clock, watches)
    app.config.update(SECRET_KEY=binding.secret(settings) or secrets.token_bytes(32), MAX_CONTENT_LENGTH=LONGEST_BODY,
                      TRUSTED_HOSTS=address.hosts, SESSION_COOKIE_SECURE=address.is_secure, SESSION_COOKIE_NAME="fire_session")
    if settings.dashboard_proxies:
        count = settings.dashboard_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    problems.install(app)
    security.install(app)
    access.install(app, accounts)
    presentation.install(app)
    for blueprint in (pages.blueprint, api.blueprint, locale.blueprint):
        app.register_blueprint(blueprint)
    return app


def _sources(settings: Settings, database: Database, clock: Callable[[], datetime], watches: bool) -> Sources:
    cache = Cache()
    sources = Sources(settings, database, Health(settings, clock), Feed(settings, database, cache), cache, clock)
    if watches:
        sources.health.start()
        sources.feed.start()
    return sources
