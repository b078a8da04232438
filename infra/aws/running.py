"""Steps that CloudFormation cannot do: finds the brokers' addresses, applies the migrations, starts the applications."""

from __future__ import annotations

import time
from typing import Any

from infra.aws.cloud import Cloud
from infra.aws.errors import DeployError

START_SECONDS = 900.0


def brokers(cloud: Cloud, cluster_arn: str) -> dict[str, str]:
    """Returns the bootstrap servers of an MSK cluster, for IAM and for SCRAM."""
    servers = cloud.client("kafka").get_bootstrap_brokers(ClusterArn=cluster_arn)
    return {"KafkaBrokers": servers["BootstrapBrokerStringSaslIam"],
            "KafkaScramBrokers": servers["BootstrapBrokerStringSaslScram"]}


def migrate(cloud: Cloud, cluster: str, task: str, subnets: str, group: str) -> None:
    """Applies the migrations in a task inside the VPC, where the database is, and waits for its end.

    Raises:
        DeployError: the task could not be started, or the migrations failed.
    """
    ecs = cloud.client("ecs")
    started = ecs.run_task(
        cluster=cluster, taskDefinition=task, launchType="FARGATE",
        overrides={"containerOverrides": [{"name": "database", "command": ["migrate"]}]},
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets.split(","), "securityGroups": [group],
                                                      "assignPublicIp": "DISABLED"}})
    if started.get("failures"):
        raise DeployError(f"the migrations could not be started: {started['failures'][0].get('reason')}; "
                          "check the service quotas and subnets, then deploy again")
    arn = started["tasks"][0]["taskArn"]
    cloud.waiter("ecs", "tasks_stopped", cluster=cluster, tasks=[arn])
    ended = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
    codes = [container.get("exitCode") for container in ended["containers"]]
    if codes != [0]:
        raise DeployError(f"the migrations failed ({ended.get('stoppedReason') or codes}); see their log, the stream database/* "
                          "in the log group /fire-*/services")


def start_application(cloud: Cloud, name: str) -> bool:
    """Starts an application unless it runs, and waits until it runs; returns whether it had to be started.

    Raises:
        DeployError: the application does not start within 15 minutes, or stops again.
    """
    client, due = cloud.client("kinesisanalyticsv2"), time.monotonic() + START_SECONDS
    was_started = False
    while (status := _application(client, name)["ApplicationStatus"]) != "RUNNING":
        if (status == "READY" and was_started) or time.monotonic() > due:
            raise DeployError(f"application {name} should run and is {status}; see its log group /fire-*/flink/*")
        if status == "READY":
            client.start_application(ApplicationName=name, RunConfiguration=_how(client, name))
            was_started = True
        time.sleep(cloud.pace)
    return was_started


def _how(client: Any, name: str) -> dict[str, Any]:
    """Returns a configuration that restores the latest snapshot, if there is one."""
    snapshots = client.list_application_snapshots(ApplicationName=name)["SnapshotSummaries"]
    restore = "RESTORE_FROM_LATEST_SNAPSHOT" if snapshots else "SKIP_RESTORE_FROM_SNAPSHOT"
    return {"ApplicationRestoreConfiguration": {"ApplicationRestoreType": restore}}


def _application(client: Any, name: str) -> dict[str, Any]:
    detail: dict[str, Any] = client.describe_application(ApplicationName=name)["ApplicationDetail"]
    return detail
