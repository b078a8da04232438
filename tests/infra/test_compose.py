"""docker-compose.yml agrees with the code, checked without starting it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from commands import cli
from contract.topics import TOPICS
from core.installation import ROOT
from core.settings import Settings
from services.dashboard.auth import binding, users

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "fire-prediction"}
PROMETHEUS = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text(encoding="utf-8"))
SCRAPED = {job["job_name"]: job["static_configs"][0]["targets"] for job in PROMETHEUS["scrape_configs"]}
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
        assert cli.parse([first, *rest]).command == first


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_the_loopback_address_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_file_holds_no_password_and_its_example_is_empty() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    configured = set(re.findall(r"PASSWORD: (.*)", text))
    names = ("FIRE_POSTGRES_PASSWORD", "FIRE_DASHBOARD_PASSWORD", "GRAFANA_PASSWORD")
    assert configured == {f"${{{name}:?copy .env.example to .env and choose a password}}" for name in names}
    assert all(f"{name}=\n" in (ROOT / ".env.example").read_text(encoding="utf-8") for name in names)


def test_every_service_awaited_as_healthy_has_a_health_check() -> None:
    for service in SERVICES.values():
        for other, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in SERVICES[other], other


def test_only_services_that_need_the_database_know_its_password() -> None:
    knowing = {name for name, service in SERVICES.items() if "FIRE_POSTGRES_PASSWORD" in service["environment"]}
    assert knowing == {"migrate", "store-jobmanager", "store-taskmanager", "retention", "dashboard", "notify", "metrics"}


def test_the_dashboard_requires_a_login_because_it_listens_on_all_interfaces() -> None:
    configured = {key: value for key, value in OURS["dashboard"]["environment"].items() if key.startswith("FIRE_")}
    settings = Settings.load(configured | {"FIRE_DASHBOARD_PASSWORD": "chosen by a person", "FIRE_DASHBOARD_SECRET": ""})
    binding.refuse_open(settings, users.load(settings))
    assert not binding.is_loopback(settings.dashboard_host) and binding.checked(settings).url == "http://127.0.0.1:8080"
    with pytest.raises(binding.BindingError, match="without requiring a login"):
        binding.refuse_open(replace(settings, dashboard_password=""), users.load(replace(settings, dashboard_password="")))


def test_slots_are_enough_for_the_jobs_submitted_to_each_cluster() -> None:
    for name, taskmanager in (("submit", "taskmanager"), ("submit-store", "store-taskmanager")):
        jobs = cli.parse(OURS[name]["command"].split()).jobs
        slots = int(OURS[taskmanager]["environment"]["SLOTS"])
        assert slots >= len(jobs) * int(OURS[name]["environment"]["FIRE_PARALLELISM"])


def test_topics_are_created_by_the_code_that_declares_them() -> None:
    assert re.search(r"topics\).*infra\.local\.kafka", ENTRYPOINT)
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert {"telemetry", "readings", "alerts"} <= {topic.name for topic in TOPICS}


def test_exporter_queries_both_flinks_and_is_scraped_where_it_listens() -> None:
    args = cli.parse(OURS["metrics"]["command"].split())
    assert args.jobmanager == ["jobmanager:8081", "store-jobmanager:8081"]
    assert {address.partition(":")[0] for address in args.jobmanager} <= SERVICES.keys()
    assert f"127.0.0.1:{args.port}/metrics" in OURS["metrics"]["healthcheck"]["test"]
    assert SCRAPED["fire"] == [f"metrics:{args.port}"]


def test_every_flink_process_is_scraped_at_the_port_of_its_reporter() -> None:
    flink = yaml.safe_load((ROOT / "infra/flink/config.yaml").read_text(encoding="utf-8"))
    assert flink["metrics.reporter.prom.factory.class"].endswith(".PrometheusReporterFactory")
    processes = [name for name, service in OURS.items() if service["command"] in ("jobmanager", "taskmanager")]
    assert sorted(SCRAPED["flink"]) == sorted(f"{name}:{flink['metrics.reporter.prom.port']}" for name in processes)


def test_files_that_are_mounted_exist_and_are_read_where_the_services_look() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", ()):
            source = re.sub(r"^\$\{\w+:-(.*?)\}", r"\1", mount).partition(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], (name, source)
    assert "--config.file=/etc/prometheus/prometheus.yml" in SERVICES["prometheus"]["command"]
    assert PROMETHEUS["rule_files"] == ["/etc/prometheus/rules.yml"] and (ROOT / "infra/prometheus/rules.yml").exists()
    boards = yaml.safe_load((ROOT / "infra/grafana/provisioning/dashboards/fire.yml").read_text(encoding="utf-8"))
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{boards['providers'][0]['options']['path']}/fire.json"


def test_notifier_reads_the_channels_that_are_mounted() -> None:
    args = cli.parse(OURS["notify"]["command"].split())
    assert any(mount.endswith(f":{args.channels}:ro") for mount in OURS["notify"]["volumes"])


@pytest.mark.parametrize("name", sorted({"notify"} | {name for name, service in SERVICES.items() if service.get("ports")}))
def test_service_that_answers_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_one_setting_turns_the_logs_of_all_containers_into_json() -> None:
    assert re.search(r"FIRE_LOG_FORMAT:-text.*json.*\n.*infra\.local\.flink_logs \"\$FLINK_CONF_DIR\"", ENTRYPOINT)
