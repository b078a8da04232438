"""Checks templates and parameters before anything is deployed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.aws.errors import DeployError
from infra.aws.layers import LAYERS, Layer, load


def check(layers: Iterable[Layer], values: Mapping[str, str]) -> None:
    """Checks the templates with cfn-lint, and that every parameter will have an allowed value.

    Raises:
        DeployError: a check failed; the text quotes cfn-lint or names the parameter.
    """
    layers = list(layers)
    wrong = [problem for layer in layers for problem in wrong_values(layer, values)]
    if wrong:
        raise DeployError("; ".join(wrong))
    files = sorted({str(layer.file) for layer in layers})
    done = subprocess.run([str(Path(sys.executable).with_name("cfn-lint")), *files], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeployError(f"cfn-lint found errors in the templates; correct them:\n{done.stdout}{done.stderr}")


def wrong_values(layer: Layer, values: Mapping[str, str]) -> list[str]:
    """Returns a sentence for each parameter of a layer that has an invalid value or will have none."""
    outputs = {name for other in LAYERS for name in load(other.file).get("Outputs", {})} | DISCOVERED
    problems = []
    for name, about in load(layer.file)["Parameters"].items():
        value, allowed = {**values, **layer.fixed}.get(name), [str(each) for each in about.get("AllowedValues", [])]
        source = layer.renamed(values).get(name, name)
        if value is None and "Default" not in about and source not in outputs:
            problems.append(f"{name} of layer {layer.name} has no value; set it with --set {name}=…")
        elif value is not None and allowed and value not in allowed:
            problems.append(f"{name} is {value!r}; use one of: {', '.join(allowed)}")
        elif value is not None and about["Type"] == "Number" and not value.isdigit():
            problems.append(f"{name} is {value!r}; use a whole number")
    return problems


DISCOVERED = {"KafkaBrokers", "KafkaScramBrokers", "PackageKey"}
"""Values that are determined during the deployment and are not outputs of a template."""
