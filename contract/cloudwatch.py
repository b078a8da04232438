"""The devices' metrics in Amazon CloudWatch: their namespace and names."""

from __future__ import annotations

from contract.declared import CONTRACT

NAMESPACE = "FirePrediction/Devices"
METRICS = {each.cloudwatch: each.name for each in CONTRACT.measurements if each.cloudwatch}
"""Name of a metric in CloudWatch → field of a reading."""
