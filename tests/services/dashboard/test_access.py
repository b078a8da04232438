"""Tests access to the dashboard: who can reach it, who can log in, and what each role allows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from core.installation import ROOT
from core.settings import Settings
from infra.postgres.sample import fill
from services.dashboard.auth import binding, users
from services.dashboard.auth.binding import BindingError
from services.dashboard.auth.users import HASHER, UsersError
from tests.services.dashboard.test_api import problem
from tests.support.dashboards import NOW, Dashboard, dashboard
from tests.support.databases import Server

PASSWORD = "correct horse battery"
HASH = HASHER.hash(PASSWORD)


def users_file(folder: Path, text: str | None = None) -> str:
    file = folder / "users.toml"
    usual = "".join(f'[[user]]\nname = "{name}"\nrole = "{role}"\npassword = "{HASH}"\n'
                    for name, role in (("vera", "view"), ("kim", "acknowledge"), ("root", "admin")))
    file.write_text(usual if text is None else text, encoding="utf-8")
    file.chmod(0o600)
    return str(file)


@pytest.fixture(scope="module")
def database(server: Server) -> dict[str, Any]:
    made = server.migrated()
    fill(made, 20, 4, NOW)
    return made


@pytest.fixture
def guarded(database: dict[str, Any], tmp_path: Path) -> Iterator[Dashboard]:
    made = dashboard(database, dashboard_users=users_file(tmp_path))
    made.client.environ_base["REMOTE_ADDR"] = f"10.0.{os.urandom(1)[0]}.{os.urandom(1)[0]}"
    yield made
    made.sources.close()


def log_in(client: FlaskClient, name: str, password: str = PASSWORD, following: str = "/alerts") -> Any:
    page = client.get("/login").get_data(as_text=True)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    return client.post("/login", data={"csrf_token": token, "name": name, "password": password, "next": following})


def test_nothing_is_visible_without_a_login(guarded: Dashboard) -> None:
    assert guarded.client.get("/alerts?level=HIGH").headers["Location"] == "/login?next=/alerts?level%3DHIGH"
    for path in ("/api/overview", "/api/stream", "/api/openapi.json"):
        assert "log in first" in problem(guarded.client.get(path), 401)
    assert guarded.client.get("/alerts.csv").status_code == 303
    assert guarded.client.get("/healthz").status_code == guarded.client.get("/static/icon.svg").status_code == 200


def test_a_login_leads_to_the_requested_page_and_a_logout_ends_it(guarded: Dashboard) -> None:
    answer = log_in(guarded.client, "vera")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/alerts")
    session = guarded.get("/api/session")
    assert (session["name"], session["role"]) == ("vera", "view")
    guarded.client.post("/logout", data={"csrf_token": session["csrf_token"]})
    assert guarded.client.get("/api/session").status_code == 401


def test_an_open_page_that_refreshes_itself_does_not_undo_a_logout(guarded: Dashboard) -> None:
    log_in(guarded.client, "vera")
    assert "Set-Cookie" in guarded.client.get("/alerts").headers, "the page's token for its forms"
    assert [guarded.client.get(path).headers.getlist("Set-Cookie") for path in ("/alerts", "/api/overview")] == [[], []]


def test_a_login_leads_to_no_other_host(guarded: Dashboard) -> None:
    assert log_in(guarded.client, "vera", following="https://evil.example.org/").headers["Location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("vera", "wrong password"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(guarded: Dashboard, name: str, password: str) -> None:
    answer = log_in(guarded.client, name, password)
    assert answer.status_code == 401 and "The name or password is incorrect." in answer.get_data(as_text=True)


def test_repeated_failed_logins_are_blocked(guarded: Dashboard) -> None:
    assert [log_in(guarded.client, "kim", f"guess number {n}").status_code for n in range(6)] == [401] * 5 + [429]
    assert log_in(guarded.client, "kim").status_code == 429


def test_successful_logins_do_not_count_towards_the_limit(guarded: Dashboard) -> None:
    for _ in range(8):
        assert log_in(guarded.app.test_client(), "root").status_code == 303


@pytest.mark.parametrize(("name", "acknowledges", "replays"), [("vera", 403, 403), ("kim", 200, 403), ("root", 200, 422)])
def test_a_role_allows_its_actions_and_no_others(guarded: Dashboard, name: str, acknowledges: int, replays: int) -> None:
    log_in(guarded.client, name)
    assert guarded.post("/api/alerts/alert-00001/acknowledge", {}).status_code == acknowledges
    assert guarded.post("/api/alerts/alert-00001/resolve", {"resolution": "maintenance"}).status_code == acknowledges
    assert guarded.post("/api/pipeline/dead-letters/replay", {"message": "{}"}).status_code == replays


def test_a_new_password_ends_the_sessions_of_the_old_one(database: dict[str, Any], tmp_path: Path) -> None:
    secret = "k" * 32
    before = dashboard(database, dashboard_users=users_file(tmp_path), dashboard_secret=secret)
    log_in(before.client, "vera")
    cookie = before.client.get_cookie("fire_session")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Lax"
    text = Path(users_file(tmp_path)).read_text().replace(HASH, HASHER.hash("another password"))
    after = dashboard(database, dashboard_users=users_file(tmp_path, text), dashboard_secret=secret)
    for made, status in ((before, 200), (after, 401)):
        client = made.app.test_client()
        client.set_cookie("fire_session", cookie.value)
        assert client.get("/api/session").status_code == status
        made.sources.close()


def test_cookies_are_secure_where_browsers_use_https(database: dict[str, Any], tmp_path: Path) -> None:
    made = dashboard(database, dashboard_users=users_file(tmp_path), dashboard_url="https://fire.example.org",
                     dashboard_proxies=1)
    client = made.app.test_client()
    answer = client.get("/login", headers={"Host": "fire.example.org", "X-Forwarded-Proto": "https"})
    assert "Secure; HttpOnly" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    made.sources.close()


def server_checks(settings: Settings) -> None:
    binding.checked(settings)
    binding.secret(settings)
    binding.refuse_open(settings, users.load(settings))


OPEN = Settings(dashboard_host="0.0.0.0", dashboard_url="https://fire.example.org")


@pytest.mark.parametrize(("settings", "reason"), [
    (OPEN, "without requiring a login; set FIRE_DASHBOARD_USERS"),
    (Settings(dashboard_url="https://fire.example.org"), "without requiring a login"),
    (replace(OPEN, dashboard_url=""), "which means all addresses"),
    (replace(OPEN, dashboard_url="http://fire.example.org"), "unencrypted"),
    (replace(OPEN, dashboard_url="fire.example.org"), "use an address like"),
    (Settings(dashboard_host="192.0.2.7"), "unencrypted"),
    (Settings(dashboard_certificate="fire.pem"), "belong together"),
    (Settings(dashboard_secret="short"), "use 32 or more"),
])
def test_a_dashboard_that_others_could_misuse_does_not_start(settings: Settings, reason: str) -> None:
    with pytest.raises(BindingError, match=reason):
        server_checks(settings)


def test_on_loopback_or_with_a_login_it_starts(tmp_path: Path) -> None:
    for settings in (Settings(), Settings(dashboard_host="::1"), replace(OPEN, dashboard_password=PASSWORD),
                     replace(OPEN, dashboard_users=users_file(tmp_path)),
                     replace(OPEN, dashboard_url="http://127.0.0.1:8080", dashboard_password=PASSWORD)):
        binding.refuse_open(settings, users.load(settings))
        assert binding.checked(settings).url


@pytest.mark.parametrize(("text", "reason"), [
    ("", r"must contain \[\[user\]\] tables"), ("[[user", "cannot be read"),
    ('[[user]]\nname = "kim"\n', "must have exactly the fields name, role and"),
    (f'[[user]]\nname = "a:b"\nrole = "view"\npassword = "{HASH}"', "without a colon"),
    (f'[[user]]\nname = "kim"\nrole = "boss"\npassword = "{HASH}"', "use one of: view, acknowledge, admin"),
    ('[[user]]\nname = "kim"\nrole = "view"\npassword = "secret"', "--hash-password prints"),
    (f'[[user]]\nname = "kim"\nrole = "view"\npassword = "{HASH}"\n' * 2, "two users with the same name"),
])
def test_an_unusable_users_file_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UsersError, match=reason):
        users.load(Settings(dashboard_users=users_file(tmp_path, text)))


def test_a_users_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = users_file(tmp_path)
    Path(file).chmod(0o644)
    with pytest.raises(UsersError, match="chmod 600"):
        users.load(Settings(dashboard_users=file))


def test_the_password_of_the_settings_belongs_to_admin_and_must_not_be_short() -> None:
    loaded = users.load(Settings(dashboard_password=PASSWORD))
    admin = loaded.by_password("admin", PASSWORD)
    assert admin is not None and admin.role == "admin"
    with pytest.raises(UsersError, match="use 12 to 1024"):
        users.load(Settings(dashboard_password="short"))


def test_the_command_hashes_a_password_from_standard_input() -> None:
    command = [sys.executable, "-m", "commands.cli", "dashboard", "--hash-password"]
    done = subprocess.run(command, input=f"{PASSWORD}\n", capture_output=True, text=True, cwd=ROOT, check=True)
    assert HASHER.verify(done.stdout.strip(), PASSWORD) and PASSWORD not in done.stdout
    refused = subprocess.run(command, input="short\n", capture_output=True, text=True, cwd=ROOT, check=False)
    assert refused.returncode == 2 and "use 12 to 1024" in refused.stderr


def test_the_command_refuses_to_listen_on_all_addresses_without_a_login() -> None:
    environment = os.environ | {"FIRE_DASHBOARD_HOST": "0.0.0.0", "FIRE_DASHBOARD_URL": "https://fire.example.org"}
    done = subprocess.run([sys.executable, "-m", "commands.cli", "dashboard"], env=environment, capture_output=True, text=True,
                          cwd=ROOT, check=False)
    assert done.returncode == 2 and "without requiring a login" in done.stderr
