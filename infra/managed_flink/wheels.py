"""Unpacks the Python packages that the jobs need and Managed Service for Apache Flink lacks, for its version of Python."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from core.errors import FireError
from core.installation import ROOT
from infra.local.processes import tail

REQUIREMENTS = ROOT / "requirements.txt"
PACKAGES = ("msgspec", "orjson", "boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""Packages that PyFlink does not include, with their dependencies; pip refuses an incomplete list."""
PYTHON = "3.12"
PLATFORM = "manylinux2014_x86_64"
REQUIREMENT = re.compile(r"^([\w.-]+)==[^\\\n]*(?:\\\n[^\\\n]*)+$", re.MULTILINE)


class WheelError(FireError):
    """The packages could not be unpacked; the text quotes the end of pip's log."""


def unpack(target: Path, python: str = PYTHON) -> None:
    """Unpacks the hash-checked wheels of `PACKAGES` for CPython `python` on Linux x86-64 to the folder `target`.

    Raises:
        WheelError: pip failed.
    """
    with tempfile.TemporaryDirectory(prefix="fire-package-") as folder:
        wanted, log = Path(folder) / "requirements.txt", Path(folder) / "pip.log"
        wanted.write_text(locked(), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", f"--platform={PLATFORM}",
                   f"--python-version={python}", "--implementation=cp", "--no-compile", "--no-input",
                   "--disable-pip-version-check", f"--target={target}", "-r", str(wanted)]
        with log.open("wb") as output:
            failed = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
        if failed:
            raise WheelError(f"the packages for Python {python} could not be unpacked; the end of pip's log:\n{tail(log)}\n"
                             "Check the network, then run the command again.")


def locked(requirements: Path = REQUIREMENTS) -> str:
    """Returns the lines of `PACKAGES` in the hashed requirements."""
    lines = {match[1]: match[0] for match in REQUIREMENT.finditer(requirements.read_text(encoding="utf-8"))}
    return "".join(f"{lines[name]}\n" for name in PACKAGES)
