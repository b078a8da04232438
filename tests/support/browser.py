"""A real browser before a real dashboard: Chromium, the application on a free port, Postgres with a fleet's day, Kafka."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask
from kafka import KafkaConsumer, KafkaProducer
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import make_server

from core.settings import Settings
from services.dashboard.app import create_app
from services.dashboard.postgres import Database
from services.dashboard.sources import NAME
from tests.support import dashboard_day
from tests.support.brokers import create_topics
from tests.support.databases import Server

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
REMEDY = "Chromium is not installed, so nothing was shown in a browser; run: apt-get install chromium fonts-nanum"
ZONE = "Asia/Seoul"
SIZE = {"width": 1280, "height": 800}
EXPECTED = ("401 (UNAUTHORIZED)", "404 (NOT FOUND)", "503 (SERVICE UNAVAILABLE)", "net::ERR_")
"""What a browser's console says of what a test does on purpose: pages that are not there, outages."""
TIMEOUT_MS = 120_000
"""How long a page may take to show what it must, on a machine that does other work."""
PREFIX = "pages."
"""Of the site's topics."""


@dataclass(frozen=True)
class Site:
    """A dashboard that listens on loopback, with psycopg's keywords for its database."""

    url: str
    app: Flask
    database: dict[str, Any]
    brokers: str

    def connect(self) -> psycopg.Connection[Any]:
        """A connection to its database, in autocommit."""
        return psycopg.connect(**self.database, autocommit=True)

    def row(self, query: str, *given: Any) -> tuple[Any, ...]:
        """The first row of a query that has one."""
        with self.connect() as connection:
            found = connection.execute(query, given).fetchone()
        assert found is not None, query
        return found

    def send(self, topic: str, value: bytes) -> None:
        """A record on a topic, confirmed."""
        producer = KafkaProducer(bootstrap_servers=self.brokers)
        producer.send(f"{PREFIX}{topic}", value)
        producer.close()

    def newest(self, topic: str, wanted: Callable[[bytes], bool]) -> bytes:
        """The first record of a topic that is wanted."""
        consumer = KafkaConsumer(f"{PREFIX}{topic}", bootstrap_servers=self.brokers, auto_offset_reset="earliest",
                                 consumer_timeout_ms=TIMEOUT_MS)
        try:
            return next(record.value for record in consumer if record.value and wanted(record.value))
        finally:
            consumer.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=TIMEOUT_MS)
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(REMEDY)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *sandbox])
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(server: Server, brokers: str) -> Iterator[Site]:
    """The dashboard over the fleet's day."""
    create_topics(brokers, PREFIX)
    database = server.migrated()
    dashboard_day.store(database, datetime.now(UTC))
    with serving(database, brokers) as found:
        yield found


class serving:
    """Serves a dashboard over a database while the block lasts."""

    def __init__(self, database: dict[str, Any], brokers: str, **given: Any) -> None:
        settings = Settings(**{"kafka_brokers": brokers, "topic_prefix": PREFIX, "flink_addresses": ""} | given)
        self._app = create_app(settings, database=Database(database))
        self._server = make_server("127.0.0.1", 0, self._app, threaded=True)
        self._server.daemon_threads = True
        self._site = Site(f"http://127.0.0.1:{self._server.port}", self._app, database, brokers)

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self._site

    def __exit__(self, *_: object) -> None:
        self._app.extensions[NAME].close()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A fresh profile of an English speaker in Seoul."""
    with profile(browser, site) as made:
        yield made


@contextlib.contextmanager
def profile(browser: Browser, site: Site, **options: Any) -> Iterator[BrowserContext]:
    """A fresh profile, in whose pages no script may fail and nothing may breach the content security policy."""
    problems: list[str] = []
    made = browser.new_context(**{"base_url": site.url, "locale": "en-GB", "timezone_id": ZONE, "viewport": SIZE} | options)
    made.set_default_timeout(TIMEOUT_MS)
    made.on("weberror", lambda problem: problems.append(str(problem.error)))
    made.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield made
    made.close()
    assert [problem for problem in problems if not any(each in problem for each in EXPECTED)] == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def live(page: Page, path: str) -> Page:
    """Opens a page and waits until its stream is open."""
    with page.expect_response("**/api/stream"):
        page.goto(path)
    return page


def seconds_until(page: Page, selector: str, since: float) -> float:
    """How long after `since` (monotonic) something is there to see."""
    page.locator(selector).first.wait_for()
    return time.monotonic() - since
