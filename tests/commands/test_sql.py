"""`./fire sql` prints a readable script of a job, without secrets."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from commands import sql
from contract.jobs import JOBS, OPTIONAL
from core.settings import Settings


@pytest.mark.parametrize("job", [*JOBS, *OPTIONAL])
def test_script_has_every_statement_with_its_names_replaced(job: str) -> None:
    printed = sql.script(job, Settings(topic_prefix="plant."))
    assert printed.startswith(f"-- The {job} job")
    assert "${" not in printed and "'plant." in printed
    assert len(re.findall(r"(?m)^INSERT INTO", printed)) == {"detect": 31, "alert": 3, "store": 17, "archive": 1}[job]


def test_no_login_is_printed() -> None:
    secret = Settings(kafka_security="scram", kafka_user="u", kafka_password="canary", postgres_password="canary",
                      postgres_secret_arn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:fire")
    for job in (*JOBS, *OPTIONAL):
        assert "canary" not in sql.script(job, secret) and "jaas" not in sql.script(job, secret)


def test_only_options_of_tables_are_too_wide_to_read() -> None:
    lines = [line for job in (*JOBS, *OPTIONAL) for line in sql.script(job, Settings()).splitlines()]
    assert not [line for line in lines if len(line) > 140 and not re.match("  '.*' = '", line)]


def test_command_prints_without_a_cluster() -> None:
    done = subprocess.run([sys.executable, "-m", "commands.cli", "sql", "archive"], capture_output=True, text=True, check=True)
    assert done.stdout == sql.script("archive", Settings.load())
