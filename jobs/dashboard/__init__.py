"""The live dashboard: pages and a JSON API over the results in Postgres, the alert topic and Flink's REST interface."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from jobs.dashboard import access, api, binding, json_text, language, pages, presentation, problems, security, users
from jobs.dashboard.health import Health
from jobs.dashboard.memory import Memory
from jobs.dashboard.queries import Database, connect
from jobs.dashboard.sources import NAME, Sources, wall_clock
from jobs.dashboard.stream import Feed
from jobs.settings import Settings

LONGEST_BODY = 1_000_000


def create_app(settings: Settings, *, database: Database | None = None, clock: Callable[[], datetime] = wall_clock,
               watches: bool = True) -> Flask:
    """The application; without `watches` neither Kafka nor Flink is looked at, and there are no live events.

    Raises:
        FireError: it would be reachable without a login, or its users cannot be read.
    """
    place = binding.checked(settings)
    known = users.load(settings)
    binding.refuse_open(settings, known)
    app = Flask(__name__)
    app.json = json_text.Provider(app)
    app.extensions[NAME] = _sources(settings, database or connect(settings), clock, watches)
    app.config.update(SECRET_KEY=binding.secret(settings) or secrets.token_bytes(32), MAX_CONTENT_LENGTH=LONGEST_BODY,
                      TRUSTED_HOSTS=place.hosts, SESSION_COOKIE_SECURE=place.is_secure, SESSION_COOKIE_NAME="fire_session")
    if settings.dashboard_proxies:
        count = settings.dashboard_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    problems.install(app)
    security.install(app)
    access.install(app, known)
    presentation.install(app)
    for blueprint in (pages.blueprint, api.blueprint, language.blueprint):
        app.register_blueprint(blueprint)
    return app


def _sources(settings: Settings, database: Database, clock: Callable[[], datetime], watches: bool) -> Sources:
    memory = Memory()
    sources = Sources(settings, database, Health(settings, clock), Feed(settings, database, memory), memory, clock)
    if watches:
        sources.health.start()
        sources.feed.start()
    return sources
