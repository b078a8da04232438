"""docker-compose.yml against the code: it cannot be started everywhere, but it can be wrong everywhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs import commands
from jobs.dashboard import binding, users
from jobs.settings import Settings
from jobs.topics import TOPICS

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "fire-prediction"}
ENTRYPOINT = (ROOT / "infra/flink/entrypoint").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OURS)
def test_service_sets_only_settings_that_exist_and_can_be_used(name: str) -> None:
    environment = {key: value for key, value in OURS[name]["environment"].items() if key.startswith("FIRE_")}
    settings = Settings.load(environment)
    assert settings.kafka_brokers == "kafka:9092"
    assert settings.postgres_host in SERVICES


@pytest.mark.parametrize("name", OURS)
def test_service_runs_a_command_that_exists(name: str) -> None:
    first, *rest = OURS[name]["command"].split()
    if not re.search(rf"^  {first}\)", ENTRYPOINT, re.M):
        assert commands.parse([first, *rest]).command == first


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_the_loopback_address_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_file_holds_no_password_and_its_example_is_empty() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    given = set(re.findall(r"PASSWORD: (.*)", text))
    names = ("FIRE_POSTGRES_PASSWORD", "FIRE_DASHBOARD_PASSWORD", "GRAFANA_PASSWORD")
    assert given == {f"${{{name}:?copy .env.example to .env and choose a password}}" for name in names}
    assert all(f"{name}=\n" in (ROOT / ".env.example").read_text(encoding="utf-8") for name in names)


def test_whatever_is_waited_for_as_healthy_has_a_health_check() -> None:
    for service in SERVICES.values():
        for other, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in SERVICES[other], other


def test_only_services_that_need_the_database_know_its_password() -> None:
    knowing = {name for name, service in SERVICES.items() if "FIRE_POSTGRES_PASSWORD" in service["environment"]}
    assert knowing == {"migrate", "store-jobmanager", "store-taskmanager", "retention", "dashboard", "notify", "metrics"}


def test_the_dashboard_has_a_login_since_it_listens_for_more_than_its_own_machine() -> None:
    given = {key: value for key, value in OURS["dashboard"]["environment"].items() if key.startswith("FIRE_")}
    settings = Settings.load(given | {"FIRE_DASHBOARD_PASSWORD": "chosen by a person", "FIRE_DASHBOARD_SECRET": ""})
    binding.refuse_open(settings, users.load(settings))
    assert not binding.is_loopback(settings.dashboard_host) and binding.checked(settings).url == "http://127.0.0.1:8080"
    with pytest.raises(binding.BindingError, match="nobody would have to log in"):
        binding.refuse_open(replace(settings, dashboard_password=""), users.load(replace(settings, dashboard_password="")))


def test_slots_are_enough_for_the_jobs_submitted_to_each_cluster() -> None:
    for name, taskmanager in (("submit", "taskmanager"), ("submit-store", "store-taskmanager")):
        jobs = commands.parse(OURS[name]["command"].split()).jobs
        slots = int(OURS[taskmanager]["environment"]["SLOTS"])
        assert slots >= len(jobs) * int(OURS[name]["environment"]["FIRE_PARALLELISM"])


def test_topics_are_made_by_the_code_that_names_them() -> None:
    assert re.search(r"topics\).*infra\.local\.kafka", ENTRYPOINT)
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert {"telemetry", "readings", "alerts"} <= {topic.name for topic in TOPICS}
