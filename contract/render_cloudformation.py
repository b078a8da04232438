"""Renders the parts of the CloudFormation templates that follow from the contract: topics, their users, fields of messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from contract import consumers
from contract.jobs import JOBS
from contract.marked import replaced
from contract.model import Contract, Result
from contract.topics import DAY_MS, LARGEST_BATCH, Topic, topics

FOLDER = "infra/aws/templates"
KAFKA, IOT, JOB, SERVICES = (f"{FOLDER}/{name}.yaml" for name in ("msk", "iot", "application", "services"))
GROUP = "arn:${AWS::Partition}:kafka:${AWS::Region}:${AWS::AccountId}:group/fire-${Environment}/*"
"""ARN of the cluster's consumer groups, without a group's name."""
PREFIX = "fire"
"""The prefix of consumer groups on AWS."""
FLEET_PARTITIONS = "!Ref PartitionCount"
"""Number of partitions of a topic that grows with the fleet; a topic with one partition keeps it."""


def render(contract: Contract, read: Callable[[str], str]) -> dict[str, str]:
    """Returns the templates with their generated parts, path → text; `read` returns the present text of a file."""
    kafka = replaced(read(KAFKA), "topics", (line for topic in topics(contract) for line in _topic(topic)), KAFKA)
    kafka = replaced(kafka, "uses of topics", _uses(contract), KAFKA)
    services = read(SERVICES)
    for program in ("notify", "cloudwatch"):
        services = replaced(services, f"consumer groups of {program}", _service_groups(program), SERVICES)
    return {KAFKA: kafka, IOT: replaced(read(IOT), "fields of messages", _fields(contract), IOT), SERVICES: services,
            JOB: replaced(read(JOB), "consumer groups", _job_groups(), JOB)}


def logical_name(topic: str) -> str:
    """Returns the name of a topic's resource: `device-minutes` → `DeviceMinutes`."""
    return "".join(word.capitalize() for word in topic.split("-"))


def _topic(topic: Topic) -> Iterator[str]:
    partitions = FLEET_PARTITIONS if topic.partitions > 1 else topic.partitions
    yield f"{logical_name(topic.name)}:"
    yield "  Type: AWS::MSK::Topic"
    yield (f'  Properties: {{ClusterArn: !Ref Cluster, TopicName: !Sub "fire-${{Environment}}.{topic.name}", '
           f"PartitionCount: {partitions}, ReplicationFactor: 2,")
    configs = rf"retention.ms={topic.retention_days * DAY_MS}\nmax.message.bytes={LARGEST_BATCH}"
    yield f'               Configs: {{"Fn::Base64": "{configs}"}}}}'


def _uses(contract: Contract) -> Iterator[str]:
    """Yields the outputs with the topics that each job's role allows."""
    stored = [result for results in contract.stored().values() for result in results]
    yield from _output("DetectWriteArns", contract.written_by("detect"))
    yield from _output("AlertReadArns", [contract.result("candidates")])
    yield from _output("AlertWriteArns", contract.written_by("alert"))
    yield from _output("StoreReadArns", sorted(stored, key=lambda result: result.name))


def _output(name: str, results: Iterable[Result]) -> Iterator[str]:
    first, *others = (f"!GetAtt {logical_name(result.topic)}.TopicArn" for result in results)
    yield f"{name}:"
    if not others:
        yield f"  Value: {first}"
        return
    yield from ("  Value: !Join", '    - ","', f"    - - {first}")
    yield from (f"      - {other}" for other in others)


def _service_groups(program: str) -> Iterator[str]:
    """Yields the consumer groups that a service's role allows."""
    yield "Resource:"
    yield from (f'  - !Sub "{_arn(reader)}"' for reader in consumers.of_program(program))


def _job_groups() -> Iterator[str]:
    """Yields the consumer groups for the template that all jobs share, each under the condition that selects its job."""
    yield "Resource:"
    for reader in (reader for job in JOBS for reader in consumers.of_program(job)):
        yield "  - !If"
        yield f"    - Is{reader.program.capitalize()}"
        yield f'    - !Sub "{_arn(reader)}"'
        yield "    - !Ref AWS::NoValue"


def _arn(reader: consumers.Reader) -> str:
    return f"{GROUP}/{reader.group_id(PREFIX)}"


def _fields(contract: Contract) -> Iterator[str]:
    """Yields the SQL of the IoT rule that forwards messages: every field of a message, renamed to its last spelling."""
    fields = ["deviceId", "siteId", "idx", *(_renamed(each.spellings) for each in contract.measured)]
    yield "Sql: >-"
    yield from _wrapped("  SELECT ", fields, "  ")
    yield "  CASE isUndefined(timestamp) WHEN true THEN timestamp() ELSE timestamp END AS timestamp,"
    yield "  topic(3) AS topicDeviceId"
    yield "  FROM 'fire-prediction/device/+/data'"


def _renamed(spellings: tuple[str, ...]) -> str:
    first, last = spellings[0], spellings[-1]
    return first if first == last else f"{first} AS {last}"


def _wrapped(start: str, parts: Iterable[str], indent: str, width: int = 110) -> Iterator[str]:
    """Yields the parts, each followed by a comma, in lines of at most `width` characters."""
    line = start
    for part in parts:
        if len(line) + len(part) > width and line.strip():
            yield line.rstrip()
            line = indent
        line += f"{part}, "
    yield line.rstrip()
