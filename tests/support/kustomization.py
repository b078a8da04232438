"""The part of Kustomize that infra/k8s uses: resources, merge and JSON patches, images, namespace, generated ConfigMaps.

It allows tests to check the resources without kubectl; if kubectl is installed, a test compares the results.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]
CLUSTER_WIDE = ("Namespace",)


def build(folder: Path) -> list[Resource]:
    """Returns all resources of a kustomization, as `kubectl kustomize` would print them."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    resources: list[Resource] = []
    for name in kustomization["resources"]:
        path = folder / name
        resources += build(path) if path.is_dir() else documents(path)
    for patch in kustomization.get("patches", ()):
        text = patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text("utf-8")
        _patch(resources, patch, yaml.safe_load(text))
    for generator in kustomization.get("configMapGenerator", ()):
        _generate(resources, folder, generator)
    images = {image["name"]: image for image in kustomization.get("images", ())}
    for resource in resources:
        _set_namespace_and_images(resource, kustomization["namespace"], images)
    return resources


def documents(path: Path) -> list[Resource]:
    """Returns the resources of one file."""
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def _patch(resources: list[Resource], patch: dict[str, Any], change: Any) -> None:
    target = patch["target"]
    chosen = [each for each in resources if each["kind"] == target["kind"] and target.get("name", _name(each)) == _name(each)]
    assert chosen, f"the patch of {target} matches no resource"
    for resource in chosen:
        if isinstance(change, list):
            for operation in change:
                _operate(resource, operation)
        else:
            name = _name(resource)
            _merge(resource, change)
            resource["metadata"]["name"] = name


def _merge(onto: Resource, change: Resource) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(onto.get(key), dict):
            _merge(onto[key], value)
        else:
            onto[key] = copy.deepcopy(value)


def _operate(resource: Resource, operation: dict[str, Any]) -> None:
    *path, last = [word.replace("~1", "/").replace("~0", "~") for word in operation["path"].split("/")[1:]]
    node: Any = resource
    for word in path:
        node = node[int(word)] if isinstance(node, list) else node[word]
    assert operation["op"] == "add" or last in node, f"nothing to replace at {operation['path']}"
    if isinstance(node, list):
        node.insert(len(node) if last == "-" else int(last), operation["value"])
    else:
        node[last] = operation["value"]


def _generate(resources: list[Resource], folder: Path, generator: dict[str, Any]) -> None:
    data = {name: (folder / name).read_text(encoding="utf-8") for name in generator.get("files", ())}
    data |= dict(literal.split("=", 1) for literal in generator.get("literals", ()))
    name = generator["name"]
    if generator.get("behavior") == "merge":
        next(each for each in resources if each["kind"] == "ConfigMap" and _name(each) == name)["data"].update(data)
    else:
        resources.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def _set_namespace_and_images(resource: Resource, namespace: str, images: dict[str, dict[str, str]]) -> None:
    if resource["kind"] not in CLUSTER_WIDE:
        resource["metadata"]["namespace"] = namespace
    for subject in resource.get("subjects", ()):
        subject["namespace"] = namespace
    for holder in [*containers(resource), *([resource["spec"]] if resource["kind"] == "FlinkDeployment" else [])]:
        if holder.get("image") in images:
            image = images[holder["image"]]
            holder["image"] = f"{image['newName']}:{image['newTag']}"


def pod(resource: Resource) -> Resource | None:
    """Returns the pod template (metadata and spec) of a resource, or None if it runs no pods."""
    spec = resource.get("spec", {})
    if resource["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: Resource | None = spec.get("podTemplate", spec.get("template"))
    return template


def containers(resource: Resource) -> list[Resource]:
    """Returns the containers of a resource's pods."""
    template = pod(resource)
    return template["spec"]["containers"] if template else []


def _name(resource: Resource) -> str:
    return str(resource["metadata"]["name"])
