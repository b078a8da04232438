"""`./fire sql JOB`: prints the whole SQL script of a job, with the configured settings."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import replace

from core.settings import Settings

HEADER = """\
-- The {job} job as Flink runs it with the settings of this environment. Each statement follows the name of its file, or
-- contract/ if it is rendered from there. Options with logins to Kafka and Postgres are omitted.
"""


def run(args: argparse.Namespace) -> int:
    """Prints the statements of the job `args.job` without connecting to anything."""
    print(script(args.job, Settings.load()), end="")
    return 0


def script(job: str, settings: Settings) -> str:
    """Returns the statements of a job, without secrets."""
    without_logins = replace(settings, kafka_security="plaintext", postgres_secret_arn="")
    return f"{HEADER.format(job=job)}\n{importlib.import_module(f'jobs.{job}').script(without_logins)}"
