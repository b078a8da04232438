"""The manifests in infra/k8s agree with the code and with Kubernetes's rules, checked without a cluster."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands import cli
from contract.jobs import JOBS
from core.installation import ROOT
from core.settings import Settings
from infra.local.flink_logs import json_layout
from tests.support.kustomization import Resource, build, containers, pod
from udfs.registry.format import parse

K8S = ROOT / "infra" / "k8s"
OVERLAYS = {name: build(K8S / "overlays" / name) for name in ("dev", "prod")}
EVERY = [resource for resources in OVERLAYS.values() for resource in resources]
ENTRYPOINT = (ROOT / "infra/flink/entrypoint").read_text(encoding="utf-8")
COMPOSED = yaml.safe_load((ROOT / "infra/flink/config.yaml").read_text(encoding="utf-8"))


def of_kind(*kinds: str) -> list[Any]:
    """Returns the resources of these kinds in all overlays, as parameters of a test."""
    return [pytest.param(each, id=f"{each['metadata']['namespace']}-{each['kind']}-{each['metadata']['name']}")
            for each in EVERY if each["kind"] in kinds]


FLINK = of_kind("FlinkDeployment")
OTHERS = of_kind("Deployment", "Job", "CronJob")


def find(overlay: str, kind: str, name: str) -> Resource:
    return next(each for each in OVERLAYS[overlay] if (each["kind"], each["metadata"]["name"]) == (kind, name))


def settings_of(overlay: str, container: Resource) -> dict[str, str]:
    """Returns the environment of a container, with a placeholder for each secret."""
    environment: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            environment |= find(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    for entry in container.get("env", ()):
        environment[entry["name"]] = entry.get("value", "from-a-secret")
    return environment


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlay_resolves_as_with_kubectl(name: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed; with it this compares our reading with that of kubectl kustomize")
    resolved = subprocess.run(["kubectl", "kustomize", str(K8S / "overlays" / name)], capture_output=True, text=True, check=True)

    def order(resources: list[Resource]) -> list[Resource]:
        return sorted(resources, key=lambda each: (each["kind"], each["metadata"]["name"]))

    assert order([each for each in yaml.safe_load_all(resolved.stdout) if each]) == order(OVERLAYS[name])


@pytest.mark.parametrize("resource", [*FLINK, *OTHERS])
def test_pod_keeps_the_restricted_profile(resource: Resource) -> None:
    spec = pod(resource)["spec"]  # type: ignore[index]
    security = spec["securityContext"]
    assert security["runAsNonRoot"] and security["runAsUser"] > 0 and security["seccompProfile"]["type"] == "RuntimeDefault"
    for container in containers(resource):
        own = container["securityContext"]
        assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert all("hostPath" not in volume for volume in spec["volumes"])


@pytest.mark.parametrize("resource", [*FLINK, *OTHERS])
def test_pod_runs_where_its_wheels_are_with_limits_and_mounts_what_it_declares(resource: Resource) -> None:
    spec = pod(resource)["spec"]  # type: ignore[index]
    assert spec["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    volumes = {volume["name"] for volume in spec["volumes"]}
    for container in containers(resource):
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert resource["kind"] == "FlinkDeployment" or "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("resource", [*FLINK, *OTHERS])
def test_environment_holds_settings_that_exist_and_can_be_used(resource: Resource) -> None:
    overlay = "dev" if resource["metadata"]["namespace"] == "fire-dev" else "prod"
    for container in containers(resource):
        environment = {name: value for name, value in settings_of(overlay, container).items() if name.startswith("FIRE_")}
        assert Settings.load(environment).kafka_brokers != Settings().kafka_brokers


@pytest.mark.parametrize("resource", OTHERS)
def test_container_runs_a_command_that_exists(resource: Resource) -> None:
    for container in containers(resource):
        if "command" in container:
            module = container["command"][2]
            assert container["command"][:2] == ["python", "-m"] and (ROOT / f"{module.replace('.', '/')}.py").exists()
        elif not re.search(rf"^  {container['args'][0]}\)", ENTRYPOINT, re.MULTILINE):
            assert cli.parse(container["args"]).command == container["args"][0]


def ports(container: Resource) -> set[int]:
    return {port["containerPort"] for port in container.get("ports", ())}


@pytest.mark.parametrize("resource", of_kind("Deployment"))
def test_long_running_container_has_a_probe_at_a_port_that_it_opens(resource: Resource) -> None:
    for container in containers(resource):
        assert "livenessProbe" in container
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container.get(probe, {}).get("httpGet")
            assert asked is None or asked["port"] in ports(container)
        assert not ports(container) or "readinessProbe" in container


@pytest.mark.parametrize("resource", of_kind("Service"))
def test_service_targets_a_port_that_a_pod_opens(resource: Resource) -> None:
    overlay = "dev" if resource["metadata"]["namespace"] == "fire-dev" else "prod"
    deployment = find(overlay, "Deployment", resource["spec"]["selector"]["app"])
    assert pod(deployment)["metadata"]["labels"]["app"] == resource["spec"]["selector"]["app"]  # type: ignore[index]
    assert resource["spec"]["ports"][0]["targetPort"] in ports(containers(deployment)[0])


def test_exporter_listens_where_it_is_probed_and_queries_every_job() -> None:
    container = containers(find("prod", "Deployment", "metrics"))[0]
    args = cli.parse(container["args"])
    assert ports(container) == {args.port} and args.host == "0.0.0.0"
    assert args.jobmanager == [f"{job}-rest:8081" for job in JOBS], "the operator names a REST service <deployment>-rest"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_job_is_a_flink_deployment_and_no_other_is(overlay: str) -> None:
    names = [each["metadata"]["name"] for each in OVERLAYS[overlay] if each["kind"] == "FlinkDeployment"]
    assert sorted(names) == sorted(JOBS)


@pytest.mark.parametrize("resource", FLINK)
def test_job_starts_python_with_flinks_options_before_the_jobs_own(resource: Resource) -> None:
    job = resource["spec"]["job"]
    assert (job["entryClass"], job["upgradeMode"]) == ("org.apache.flink.client.python.PythonDriver", "last-state")
    assert resource["spec"]["flinkVersion"] == "v2_2" and "flink-python-2.2.1.jar" in job["jarURI"]
    options, values = job["args"][::2], job["args"][1::2]
    assert options == ["-pyclientexec", "-pyexec", "-pyfs", "-py"], "Flink's options first, the script last"
    script = Path(values[-1]).relative_to("/opt/fire")
    assert script.name == f"{resource['metadata']['name']}.py" and (ROOT / script).exists()


@pytest.mark.parametrize("resource", FLINK)
def test_job_survives_its_job_manager_and_keeps_its_state_on_s3(resource: Resource) -> None:
    options = resource["spec"]["flinkConfiguration"]
    assert options["high-availability.type"] == "kubernetes"
    for name in ("high-availability.storageDir", "execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"):
        assert options[name].startswith("s3://")
    assert options["execution.checkpointing.externalized-checkpoint-retention"] == "RETAIN_ON_CANCELLATION"
    assert int(options["taskmanager.numberOfTaskSlots"]) >= 1
    assert all(isinstance(value, str) for value in options.values()), "the operator's schema takes texts only"


@pytest.mark.parametrize("resource", FLINK)
def test_options_equal_those_of_the_containers_if_both_have_them(resource: Resource) -> None:
    options = resource["spec"]["flinkConfiguration"]
    differing = {"execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"}
    for name in (options.keys() & COMPOSED.keys()) - differing:
        assert options[name].split() == str(COMPOSED[name]).split(), name


@pytest.mark.parametrize("resource", FLINK)
def test_flink_writes_json_logs_and_is_probed_where_it_listens(resource: Resource) -> None:
    log4j = resource["spec"]["logConfiguration"]["log4j-console.properties"]
    assert "JsonTemplateLayout" in log4j and json_layout(log4j) == log4j
    reporter = int(resource["spec"]["flinkConfiguration"]["metrics.reporter.prom.port"])
    assert ports(containers(resource)[0]) == {reporter}
    jobmanager, taskmanager = (resource["spec"][role]["podTemplate"]["spec"]["containers"][0]
                               for role in ("jobManager", "taskManager"))
    assert {each["name"] for each in (jobmanager, taskmanager, *containers(resource))} == {"flink-main-container"}
    assert jobmanager["livenessProbe"]["httpGet"]["port"] == COMPOSED["rest.port"]
    assert taskmanager["livenessProbe"]["tcpSocket"]["port"] == reporter


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_referred_to_and_never_written(overlay: str) -> None:
    assert not [each for each in OVERLAYS[overlay] if each["kind"] == "Secret"]
    for resource in OVERLAYS[overlay]:
        for container in containers(resource):
            for entry in container.get("env", ()):
                if re.search("PASSWORD|SECRET|KEY|TOKEN", entry["name"]):
                    assert set(entry["valueFrom"]) == {"secretKeyRef"}
    for resource in (each for each in OVERLAYS[overlay] if each["kind"] == "ConfigMap"):
        assert not [name for name in resource["data"] if re.search("PASSWORD|SECRET|TOKEN", name)]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_with_the_databases_password_are_those_that_the_network_lets_reach_it(overlay: str) -> None:
    for resource in OVERLAYS[overlay]:
        template = pod(resource)
        if template:
            secrets = [entry["valueFrom"]["secretKeyRef"]["key"] for each in containers(resource) for entry in each.get("env", ())
                       if "valueFrom" in entry]
            assert ("postgres-password" in secrets) == (template["metadata"]["labels"].get("fire/postgres") == "true")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_network_denies_everything_by_default_and_every_rule_matches_a_pod(overlay: str) -> None:
    policies = [each for each in OVERLAYS[overlay] if each["kind"] == "NetworkPolicy"]
    denied = next(each["spec"] for each in policies if each["metadata"]["name"] == "deny-all")
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = [template["metadata"]["labels"] for template in map(pod, OVERLAYS[overlay]) if template]
    labels.append({"type": "flink-native-kubernetes"})
    for policy in policies:
        wanted = policy["spec"]["podSelector"].get("matchLabels", {})
        assert any(wanted.items() <= each.items() for each in labels), policy["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_service_accounts_exist_and_only_flinks_may_use_the_cluster_api(overlay: str) -> None:
    accounts = {each["metadata"]["name"]: each for each in OVERLAYS[overlay] if each["kind"] == "ServiceAccount"}
    assert accounts["fire"]["automountServiceAccountToken"] is False
    used = {resource["spec"].get("serviceAccount") or template["spec"]["serviceAccountName"]
            for resource in OVERLAYS[overlay] for template in [pod(resource)] if template}
    assert used == set(accounts)
    role = find(overlay, "Role", "flink")
    assert "*" not in json.dumps(role["rules"]) and "secrets" not in json.dumps(role["rules"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_disruption_budgets_name_deployments_that_exist(overlay: str) -> None:
    names = {each["metadata"]["name"] for each in OVERLAYS[overlay] if each["kind"] in ("Deployment", "FlinkDeployment")}
    budgets = [each["spec"] for each in OVERLAYS[overlay] if each["kind"] == "PodDisruptionBudget"]
    assert {each["selector"]["matchLabels"]["app"] for each in budgets} == names


def test_registry_and_channels_of_the_base_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.notify.channels import load

    parse((K8S / "base/registry.json").read_bytes())
    monkeypatch.setenv("CONTROL_ROOM_KEY", "a-key-of-sixteen-characters-or-more")
    assert [channel.name for channel in load(K8S / "base/channels.toml")] == ["control-room"]


def test_production_has_a_standby_job_manager_and_slots_for_its_parallelism() -> None:
    detect: Any = find("prod", "FlinkDeployment", "detect")["spec"]
    assert detect["jobManager"]["replicas"] == 2 and detect["job"]["parallelism"] > 1
    assert find("dev", "FlinkDeployment", "detect")["spec"]["jobManager"]["replicas"] == 1
