"""Changes CloudFormation stacks through change sets: proposes, describes, executes and reverts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError  # type: ignore[import-untyped,unused-ignore]

from infra.aws.cloud import Cloud
from infra.aws.errors import DeployError

NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
BROKEN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
Source = Mapping[str, str]


@dataclass(frozen=True)
class Version:
    """The template and parameters of a stack before a change, from which it can be restored."""

    template: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """A change set to be executed; `lines` describe it, `before` is the stack's previous version, None if it is new."""

    stack: str
    arn: str
    lines: tuple[str, ...]
    before: Version | None


@dataclass(frozen=True)
class Stacks:
    """The stacks of one environment; `name` returns a new name for each change set, as CloudFormation requires."""

    cloud: Cloud
    environment: str
    name: Callable[[], str]

    def propose(self, stack: str, source: Source, parameters: Mapping[str, str]) -> Change | None:
        """Creates a change set for a stack; returns None if nothing would change.

        `source` has the key `TemplateBody` or `TemplateURL`. A stack whose creation failed is deleted first.
        """
        present = self._described(stack)
        if present is not None and present["StackStatus"] in BROKEN:
            self.delete(stack)
            present = None
        is_new = present is None or present["StackStatus"] == "REVIEW_IN_PROGRESS"
        before = None if is_new or present is None else Version(self._template(stack), _parameters(present))
        arn = self._client.create_change_set(
            StackName=stack, ChangeSetName=self.name(), ChangeSetType="CREATE" if is_new else "UPDATE", **source,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"], Tags=[{"Key": "fire:environment", "Value": self.environment}])["Id"]
        return self._change(stack, arn, before)

    def execute(self, change: Change) -> None:
        """Executes a change set and waits for its end.

        Raises:
            DeployError: the change failed, and CloudFormation has rolled the stack back.
        """
        self._client.execute_change_set(ChangeSetName=change.arn, StackName=change.stack)
        waiter = "stack_create_complete" if change.before is None else "stack_update_complete"
        try:
            self.cloud.waiter("cloudformation", waiter, StackName=change.stack)
        except WaiterError as problem:
            reasons = "; ".join(self._failures(change.stack)) or str(problem)
            raise DeployError(f"stack {change.stack} could not be deployed and was rolled back: {reasons}; correct this and "
                              "deploy again") from problem

    def discard(self, change: Change) -> None:
        """Deletes a change set that was declined."""
        self._client.delete_change_set(ChangeSetName=change.arn, StackName=change.stack)

    def restore(self, stack: str, before: Version) -> None:
        """Restores a stack to a previous version."""
        change = self.propose(stack, {"TemplateBody": before.template}, before.parameters)
        if change is not None:
            self.execute(change)

    def delete(self, stack: str) -> None:
        """Deletes a stack and waits for its end; resources that its template retains stay."""
        self._client.delete_stack(StackName=stack)
        self.cloud.waiter("cloudformation", "stack_delete_complete", StackName=stack)

    def outputs(self, stack: str) -> dict[str, str]:
        """Returns the outputs of a stack by name; empty if the stack does not exist."""
        return {each["OutputKey"]: each["OutputValue"] for each in (self._described(stack) or {}).get("Outputs", [])}

    @property
    def _client(self) -> Any:
        return self.cloud.client("cloudformation")

    def _described(self, stack: str) -> dict[str, Any] | None:
        try:
            description: dict[str, Any] = self._client.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as problem:
            if "does not exist" in str(problem):
                return None
            raise
        return None if description["StackStatus"] == "DELETE_COMPLETE" else description

    def _template(self, stack: str) -> str:
        body = self._client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)

    def _change(self, stack: str, arn: str, before: Version | None) -> Change | None:
        try:
            self.cloud.waiter("cloudformation", "change_set_create_complete", ChangeSetName=arn, StackName=stack)
        except WaiterError as problem:
            reason = self._client.describe_change_set(ChangeSetName=arn, StackName=stack).get("StatusReason", "")
            if any(phrase in reason for phrase in NO_CHANGE):
                self._client.delete_change_set(ChangeSetName=arn, StackName=stack)
                return None
            raise DeployError(f"CloudFormation refuses the change of {stack}: {reason or problem}; correct the template or its "
                              "parameters") from problem
        return Change(stack, arn, tuple(self._lines(stack, arn)), before)

    def _lines(self, stack: str, arn: str) -> Iterator[str]:
        pages = self._client.get_paginator("describe_change_set").paginate(ChangeSetName=arn, StackName=stack)
        for change in (each["ResourceChange"] for page in pages for each in page["Changes"]):
            replaced = {"True": ", REPLACED", "Conditional": ", perhaps REPLACED"}.get(change.get("Replacement", ""), "")
            yield f"{change['Action']:<7} {change['ResourceType']} {change['LogicalResourceId']}{replaced}"

    def _failures(self, stack: str) -> Iterator[str]:
        """Yields the first three failed resources with their reasons, which include the cause of the others."""
        events = self._client.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
        for event in failed[:3]:
            yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'without a reason')}"


def _parameters(description: Mapping[str, Any]) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in description.get("Parameters", [])}
