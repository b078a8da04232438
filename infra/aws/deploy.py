"""`./fire deploy ENV`: deploys the whole system to AWS, layer by layer, and shows each change before it is made.

If a layer or the smoke test fails, the changes of this deployment are rolled back. New stacks with data, and the stacks that
they depend on, stay.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from boto3.exceptions import Boto3Error  # type: ignore[import-untyped,unused-ignore]
from botocore.exceptions import BotoCoreError, ClientError, WaiterError  # type: ignore[import-untyped,unused-ignore]

from core.database import conninfo
from core.interruption import interruptible, uninterrupted
from core.logs import Report
from core.settings import Settings
from infra.aws import running, smoke, upload
from infra.aws.checks import check
from infra.aws.cloud import Cloud, cloud
from infra.aws.errors import DeclinedError, DeployError
from infra.aws.layers import JOBS, LAYERS, Layer, environment_parameters
from infra.aws.stacks import Change, Stacks

FAILURES = (Boto3Error, BotoCoreError, ClientError, WaiterError)


@dataclass
class Deployment:
    """One deployment: its stacks and values, its confirmations and reports, and the changes made so far."""

    stacks: Stacks
    values: dict[str, str]
    package: Path
    confirm: Callable[[str], bool]
    report: Report
    find_brokers: Callable[[Cloud, str], dict[str, str]] = running.brokers
    outputs: dict[str, str] = field(default_factory=dict)
    done: list[tuple[Layer, Change]] = field(default_factory=list)

    @property
    def cloud(self) -> Cloud:
        """The account to deploy to."""
        return self.stacks.cloud

    def deploy(self, layers: Iterable[Layer]) -> None:
        """Deploys the layers in order.

        Raises:
            DeployError: a layer failed, and CloudFormation has rolled it back.
            DeclinedError: a change was declined.
        """
        for layer in layers:
            self._bring_up(layer)
            self.outputs |= self.stacks.outputs(layer.stack(self.stacks.environment))
            self._follow_up(layer)

    def roll_back(self) -> None:
        """Rolls back the changes of this deployment, the last one first, and reports what stays."""
        stays = False
        for layer, change in reversed(self.done):
            stays = stays or (change.before is None and layer.keeps_data)
            try:
                self._put_back(change, stays)
            except (DeployError, *FAILURES) as problem:
                self.report(f"{change.stack} could not be rolled back: {problem}; look at it in the CloudFormation console")
        self.done.clear()

    def _put_back(self, change: Change, stays: bool) -> None:
        if change.before is not None:
            self.report(f"rolling {change.stack} back")
            self.stacks.restore(change.stack, change.before)
        elif stays:
            self.report(f"{change.stack} is new and stays: it contains data, or a stack that does depends on it")
        else:
            self.report(f"removing {change.stack}, which is new")
            self.stacks.delete(change.stack)

    def _bring_up(self, layer: Layer) -> None:
        stack = layer.stack(self.stacks.environment)
        change = self.stacks.propose(stack, self._source(layer), layer.parameters(self.values, self.outputs))
        if change is None:
            self.report(f"{stack}: nothing to change")
            return
        self.report(f"{stack}:\n" + "\n".join(f"  {line}" for line in change.lines))
        if not self.confirm(f"Make these changes to {stack}?"):
            self.stacks.discard(change)
            raise DeclinedError(f"the change of {stack} was declined")
        self.stacks.execute(change)
        self.done.append((layer, change))
        self.report(f"{stack}: done")

    def _source(self, layer: Layer) -> dict[str, str]:
        """Returns the template itself for the first layer, which creates the bucket, or else its address in the bucket."""
        if "PackagesBucketName" not in self.outputs:
            return {"TemplateBody": layer.file.read_text(encoding="utf-8")}
        return {"TemplateURL": upload.upload_template(self.cloud, self.outputs["PackagesBucketName"], layer)}

    def _follow_up(self, layer: Layer) -> None:
        """Does what the next layer requires and CloudFormation cannot do."""
        if layer.name == "storage":
            self.outputs["PackageKey"] = upload.upload_package(self.cloud, self.outputs["PackagesBucketName"], self.package)
        elif layer.name == "kafka":
            self.outputs |= self.find_brokers(self.cloud, self.outputs["ClusterArn"])
        elif layer.name == "services":
            network = (self.outputs[name] for name in ("ClusterOfServices", "DatabaseTaskArn", "SubnetIds", "JobsGroupId"))
            running.migrate(self.cloud, *network)
            self.report("migrations applied")


def run(args: argparse.Namespace) -> int:
    """Deploys the environment `args.environment`, or with `args.check` only checks its templates and parameters."""
    values = environment_parameters(args.environment, args.overrides)
    layers = [layer for layer in LAYERS if layer.wanted(values)]
    if args.smoke == "kinesis" and values["TelemetryIn"] != "kinesis":
        raise DeployError("--smoke kinesis needs a telemetry stream, which this environment does not have; use --smoke iot")
    check(layers, values)
    print(f"templates and parameters of {args.environment} are valid")
    if args.check:
        return 0
    return _deploy(args, values, layers)


def _deploy(args: argparse.Namespace, values: dict[str, str], layers: list[Layer]) -> int:
    target = cloud(args.region)
    ready = upload.accepted(args.package)
    print(f"deploying {args.environment} to account {target.account()}, {target.region}, with {ready}")
    stacks = Stacks(target, args.environment, lambda: f"fire-{uuid.uuid4().hex}")
    deployment = Deployment(stacks, values, ready, (lambda _: True) if args.yes else _asked, lambda line: print(line, flush=True))
    return carry_out(deployment, layers, lambda: _try_out(deployment, args.smoke))


def carry_out(deployment: Deployment, layers: Iterable[Layer], try_out: Callable[[], None]) -> int:
    """Deploys the layers and tries them out; rolls back if either fails.

    Raises:
        DeployError: the deployment failed and was rolled back.
    """
    try:
        with interruptible():
            deployment.deploy(layers)
            try_out()
    except (DeployError, DeclinedError, KeyboardInterrupt, *FAILURES) as problem:
        deployment.report(f"rolling back: {problem or 'interrupted'}")
        with uninterrupted():
            deployment.roll_back()
        raise DeployError(f"{deployment.stacks.environment} was not deployed and was rolled back: {problem or 'interrupted'}"
                          ) from problem
    deployment.report(f"{deployment.stacks.environment} is deployed")
    return 0


def _try_out(deployment: Deployment, way: str) -> None:
    target, environment = deployment.cloud, deployment.stacks.environment
    for layer in JOBS:
        name = f"fire-{environment}-{layer.name}"
        if running.start_application(target, name):
            deployment.report(f"application {name} runs")
    if not deployment.values.get("Image"):
        deployment.report("no Image is set: notifier, metrics publisher and migrations do not run (infra/aws/README.md)")
    if way != "none":
        send = smoke.through_iot(target) if way == "iot" else smoke.through_kinesis(target, deployment.outputs["TelemetryStream"])
        look = smoke.best_look([smoke.InPostgres(conninfo(Settings.load()))], target, environment)
        smoke.prove(send, look, datetime.now(UTC), target.pace, deployment.report)


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        raise DeployError("the change needs a confirmation, but this is not a terminal; review the changes above and use --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
