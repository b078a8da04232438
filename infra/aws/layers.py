"""The layers of the system on AWS, in the order of their deployment; each is a stack of its own.

A parameter of a template takes its value from the command line, or else from the environment's parameter file, from an
output of that name of an earlier layer, or from the template's default.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.aws.errors import DeployError

HERE = Path(__file__).resolve().parent
Values = Mapping[str, str]


class _Loader(yaml.SafeLoader):
    """Loads YAML and expands CloudFormation's short forms to the functions that they stand for."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def _always(_: Values) -> bool:
    return True


def _on_kinesis(values: Values) -> bool:
    return values["TelemetryIn"] == "kinesis"


def _scales(values: Values) -> bool:
    return _on_kinesis(values) and values.get("StreamMode", "PROVISIONED") == "PROVISIONED"


def _has_image(values: Values) -> bool:
    return bool(values.get("Image"))


@dataclass(frozen=True)
class Layer:
    """One stack: the name of its `template` if different, `fixed` parameters, and parameters from outputs of other names."""

    name: str
    template: str = ""
    fixed: Values = field(default_factory=dict)
    renamed: Callable[[Values], Values] = lambda _: {}
    wanted: Callable[[Values], bool] = _always
    keeps_data: bool = False

    @property
    def file(self) -> Path:
        """The path of the template."""
        return HERE / "templates" / f"{self.template or self.name}.yaml"

    def stack(self, environment: str) -> str:
        """Returns the name of the layer's stack in an environment."""
        return f"fire-{environment}-{self.name}"

    def parameters(self, values: Values, outputs: Values) -> dict[str, str]:
        """Returns the values of the template's parameters; those with a default may have none.

        Raises:
            DeployError: a parameter without default has no value.
        """
        renamed = {name: outputs[other] for name, other in self.renamed(values).items() if other in outputs}
        chosen = {**outputs, **renamed, **values, **self.fixed}
        declared = load(self.file)["Parameters"]
        missing = [name for name, about in declared.items() if name not in chosen and "Default" not in about]
        if missing:
            raise DeployError(f"layer {self.name} needs {', '.join(missing)}; set it with --set {missing[0]}=…")
        return {name: chosen[name] for name in declared if name in chosen}


def _job(name: str) -> Layer:
    def renamed(values: Values) -> Values:
        telemetry = "TelemetryArn" if _on_kinesis(values) else "TelemetryTopicArn"
        reads = {"detect": telemetry, "alert": "AlertReadArns", "store": "StoreReadArns"}[name]
        return {"ReadArns": reads} | ({} if name == "store" else {"WriteArns": f"{name.capitalize()}WriteArns"})

    # Candidates are rare, so one subtask suffices for the alerts of a whole fleet.
    return Layer(name, "application", {"Job": name} | ({"Parallelism": "1"} if name == "alert" else {}), renamed)


JOBS = tuple(_job(name) for name in ("detect", "alert", "store"))
LAYERS = (
    Layer("storage", keeps_data=True),
    Layer("network"),
    Layer("topics"),
    Layer("kafka", "msk", keeps_data=True),
    Layer("kinesis", wanted=_on_kinesis, keeps_data=True),
    Layer("scaling", wanted=_scales),
    Layer("database", keeps_data=True),
    Layer("services", wanted=_has_image),
    *JOBS,
    Layer("iot"),
    Layer("monitoring"),
)


@functools.cache
def load(file: Path) -> dict[str, Any]:
    """Returns a template with its short forms expanded; the result is cached and must not be changed."""
    template: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 -- a safe loader with tags
    return template


def environment_parameters(environment: str, words: list[str]) -> dict[str, str]:
    """Returns the parameters of the environment's file, overridden by `words` of the form NAME=VALUE.

    Raises:
        DeployError: a word does not have this form, or no template has a parameter of this name.
    """
    values: dict[str, Any] = yaml.safe_load((HERE / "parameters" / f"{environment}.yaml").read_text(encoding="utf-8"))
    declared = {name for layer in LAYERS for name in load(layer.file)["Parameters"]}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in declared:
            raise DeployError(f"--set {word!r} is not NAME=VALUE for a template's parameter; use one of: "
                              f"{', '.join(sorted(declared))}")
        values[name] = value
    return {name: str(value) for name, value in values.items()}
