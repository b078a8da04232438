"""`./fire costs ENV`: shows the costs by service and day from Cost Explorer, or estimates them from templates and prices."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import boto3  # type: ignore[import-untyped,unused-ignore]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]

from infra.aws.errors import DeployError
from infra.aws.estimate import Fleet, estimate, prices
from infra.aws.layers import LAYERS, environment_parameters

EXPLORER_REGION = "us-east-1"
"""The region in which Cost Explorer answers for all regions."""
Costs = dict[str, dict[str, float]]


def run(args: argparse.Namespace) -> int:
    """Prints the costs of an environment, or with `args.estimate` an estimate of them."""
    lines = _estimated(args) if args.estimate else _spent(args)
    print("\n".join(lines))
    return 0


def _spent(args: argparse.Namespace) -> Iterator[str]:
    today = datetime.now(UTC).date()
    client = boto3.session.Session().client("ce", region_name=EXPLORER_REGION)
    days = by_day(client, args.environment, today - timedelta(days=args.days), today)
    yield f"{args.environment}, {args.days} days to {today}, US dollars, unblended"
    if not any(days.values()):
        yield ("no costs; Cost Explorer shows a tag from the day after its activation: activate fire:environment under "
               "Billing, Cost allocation tags")
    for day, services in sorted(days.items()):
        yield f"{day}  {sum(services.values()):10.2f}"
        yield from (f"  {amount:10.2f}  {service}" for service, amount in sorted(services.items(), key=lambda each: -each[1]))


def by_day(client: object, environment: str, first: date, end: date) -> Costs:
    """Returns the costs of an environment in US dollars by day and service, from `first` to the day before `end`.

    Raises:
        DeployError: Cost Explorer does not answer.
    """
    request = {"TimePeriod": {"Start": first.isoformat(), "End": end.isoformat()}, "Granularity": "DAILY",
               "Metrics": ["UnblendedCost"], "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
               "Filter": {"Tags": {"Key": "fire:environment", "Values": [environment]}}}
    days: Costs = defaultdict(dict)
    while True:
        try:
            answer = client.get_cost_and_usage(**request)  # type: ignore[attr-defined]
        except (BotoCoreError, ClientError) as problem:
            raise DeployError(f"Cost Explorer does not answer: {problem}; enable it and allow ce:GetCostAndUsage, or use "
                              "./fire costs ENV --estimate, which needs neither") from problem
        for day in answer["ResultsByTime"]:
            for group in day["Groups"]:
                amount = float(group["Metrics"]["UnblendedCost"]["Amount"])
                days[day["TimePeriod"]["Start"]][group["Keys"][0]] = amount
        if not answer.get("NextPageToken"):
            return days
        request["NextPageToken"] = answer["NextPageToken"]


def _estimated(args: argparse.Namespace) -> Iterator[str]:
    values = environment_parameters(args.environment, ["Image=estimate"])
    fleet = Fleet(args.devices, args.seconds)
    items = estimate([layer for layer in LAYERS if layer.wanted(values)], values, fleet)
    table = prices()
    total = sum(item.dollars for item in items)
    yield (f"{args.environment}, {args.devices:,} devices with a message every {args.seconds:g} s, dollars a month: an estimate"
           f" with list prices of {table['region']} as of {table['as_of']}, without taxes, traffic and free tiers")
    for item in items:
        yield f"{item.dollars:10.2f}  {item.layer:<10} {item.what}"
    yield f"{total:10.2f}  in all; {total / args.devices * 1000:.2f} per 1,000 devices"
