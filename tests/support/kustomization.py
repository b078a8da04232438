"""Kustomize as far as infra/k8s uses it: resources, patches (merge and JSON patch), images, namespace, generated ConfigMaps.

Written so that the structure is checked where kubectl is not installed; where it is, a test compares the two.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]
CLUSTER_WIDE = ("Namespace",)


def build(folder: Path) -> list[Resource]:
    """Every resource of a kustomization, as `kubectl kustomize` would print it."""
    given = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    found: list[Resource] = []
    for name in given["resources"]:
        path = folder / name
        found += build(path) if path.is_dir() else documents(path)
    for patch in given.get("patches", ()):
        _patch(found, patch, yaml.safe_load(patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text("utf-8")))
    for generated in given.get("configMapGenerator", ()):
        _generate(found, folder, generated)
    for resource in found:
        _place(resource, given["namespace"], {image["name"]: image for image in given.get("images", ())})
    return found


def documents(path: Path) -> list[Resource]:
    """The resources of one file."""
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def _patch(found: list[Resource], patch: dict[str, Any], change: Any) -> None:
    target = patch["target"]
    chosen = [each for each in found if each["kind"] == target["kind"] and target.get("name", _name(each)) == _name(each)]
    assert chosen, f"the patch of {target} finds nothing"
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
    *way, last = [word.replace("~1", "/").replace("~0", "~") for word in operation["path"].split("/")[1:]]
    place: Any = resource
    for word in way:
        place = place[int(word)] if isinstance(place, list) else place[word]
    assert operation["op"] == "add" or last in place, f"nothing to replace at {operation['path']}"
    if isinstance(place, list):
        place.insert(len(place) if last == "-" else int(last), operation["value"])
    else:
        place[last] = operation["value"]


def _generate(found: list[Resource], folder: Path, given: dict[str, Any]) -> None:
    data = {name: (folder / name).read_text(encoding="utf-8") for name in given.get("files", ())}
    data |= dict(literal.split("=", 1) for literal in given.get("literals", ()))
    if given.get("behavior") == "merge":
        next(each for each in found if each["kind"] == "ConfigMap" and _name(each) == given["name"])["data"].update(data)
    else:
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": given["name"]}, "data": data})


def _place(resource: Resource, namespace: str, images: dict[str, dict[str, str]]) -> None:
    if resource["kind"] not in CLUSTER_WIDE:
        resource["metadata"]["namespace"] = namespace
    for subject in resource.get("subjects", ()):
        subject["namespace"] = namespace
    for holder in [*containers(resource), *([resource["spec"]] if resource["kind"] == "FlinkDeployment" else [])]:
        if holder.get("image") in images:
            image = images[holder["image"]]
            holder["image"] = f"{image['newName']}:{image['newTag']}"


def pod(resource: Resource) -> Resource | None:
    """The pod's template of a resource that runs any: metadata and spec."""
    spec = resource.get("spec", {})
    if resource["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: Resource | None = spec.get("podTemplate", spec.get("template"))
    return template


def containers(resource: Resource) -> list[Resource]:
    """The containers of a resource's pods."""
    template = pod(resource)
    return template["spec"]["containers"] if template else []


def _name(resource: Resource) -> str:
    return str(resource["metadata"]["name"])
