"""Fixtures for tests in a real browser: Chromium, the dashboard on a free port, Postgres with a day of a fleet, and Kafka."""

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
REMEDY = "Chromium is not installed, so no page was tested in a browser; run: apt-get install chromium fonts-nanum"
ZONE = "Asia/Seoul"
SIZE = {"width": 1280, "height": 800}
EXPECTED = ("401 (UNAUTHORIZED)", "404 (NOT FOUND)", "503 (SERVICE UNAVAILABLE)", "net::ERR_")
"""Console messages that tests cause on purpose, by missing pages and outages."""
TIMEOUT_MS = 120_000
"""How long a page may take to show the expected content on a busy machine."""
PREFIX = "pages."
"""The prefix of the site's topics."""


@dataclass(frozen=True)
class Site:
    """A dashboard that listens on the loopback address, with psycopg's keywords for its database."""

    url: str
    app: Flask
    database: dict[str, Any]
    brokers: str

    def connect(self) -> psycopg.Connection[Any]:
        """Opens a connection to the dashboard's database in autocommit mode."""
        return psycopg.connect(**self.database, autocommit=True)

    def row(self, query: str, *parameters: Any) -> tuple[Any, ...]:
        """Returns the first row of a query, which must have one."""
        with self.connect() as connection:
            row = connection.execute(query, parameters).fetchone()
        assert row is not None, query
        return row

    def send(self, topic: str, value: bytes) -> None:
        """Writes a record to a topic and waits until it is delivered."""
        producer = KafkaProducer(bootstrap_servers=self.brokers)
        producer.send(f"{PREFIX}{topic}", value)
        producer.close()

    def newest(self, topic: str, wanted: Callable[[bytes], bool]) -> bytes:
        """Returns the first record of a topic for which `wanted` is true."""
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
    """Serves the dashboard over the day of the fleet."""
    create_topics(brokers, PREFIX)
    database = server.migrated()
    dashboard_day.store(database, datetime.now(UTC))
    with serving(database, brokers) as served:
        yield served


class serving:
    """Serves a dashboard over a database for the duration of the block."""

    def __init__(self, database: dict[str, Any], brokers: str, **changed: Any) -> None:
        settings = Settings(**{"kafka_brokers": brokers, "topic_prefix": PREFIX, "flink_addresses": ""} | changed)
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
    """Opens a fresh browser profile of an English speaker in Seoul."""
    with profile(browser, site) as made:
        yield made


@contextlib.contextmanager
def profile(browser: Browser, site: Site, **options: Any) -> Iterator[BrowserContext]:
    """Opens a fresh browser profile; fails at its end if a script failed or something violated the content security policy."""
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
    """Waits until an element is visible; returns the seconds since `since` (monotonic)."""
    page.locator(selector).first.wait_for()
    return time.monotonic() - since
