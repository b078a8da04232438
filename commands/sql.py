"""`./fire sql JOB`: the whole script that a job runs, with the settings of this environment."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import replace

from core.settings import Settings

HEADER = """\
-- The {job} job as Flink runs it with the settings of this environment. Each statement is under the file that it comes from, or
-- under contract/ if it follows from there. Lines that log in to Kafka and Postgres are left out.
"""


def run(args: argparse.Namespace) -> int:
    """Prints the statements of the job `args.job`; connects to nothing."""
    print(script(args.job, Settings.load()), end="")
    return 0


def script(job: str, settings: Settings) -> str:
    """The statements of a job, without secrets."""
    without_logins = replace(settings, kafka_security="plaintext", postgres_secret_arn="")
    return f"{HEADER.format(job=job)}\n{importlib.import_module(f'jobs.{job}').script(without_logins)}"
