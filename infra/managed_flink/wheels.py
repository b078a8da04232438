"""The Python packages that the jobs need and Managed Service for Apache Flink does not have, unpacked for its Python."""

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
PACKAGES = ("orjson", "boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""What PyFlink does not bring along, with what that needs in turn; pip refuses a list with a gap."""
PYTHON = "3.12"
PLATFORM = "manylinux2014_x86_64"
REQUIREMENT = re.compile(r"^([\w.-]+)==[^\\\n]*(?:\\\n[^\\\n]*)+$", re.MULTILINE)


class WheelError(FireError):
    """The packages could not be unpacked; the text holds what pip said."""


def unpack(target: Path, python: str = PYTHON) -> None:
    """Unpacks the wheels of `PACKAGES`, checked by hash, for CPython `python` on Linux x86-64 into the folder `target`.

    Raises:
        WheelError: pip failed.
    """
    with tempfile.TemporaryDirectory(prefix="fire-package-") as folder:
        wanted, log = Path(folder) / "requirements.txt", Path(folder) / "pip.log"
        wanted.write_text(locked(), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", f"--platform={PLATFORM}",
                   f"--python-version={python}", "--implementation=cp", "--no-compile", "--no-input",
                   "--disable-pip-version-check", f"--target={target}", "-r", str(wanted)]
        with log.open("wb") as said:
            failed = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT, check=False).returncode
        if failed:
            raise WheelError(f"the packages for Python {python} could not be unpacked; pip said:\n{tail(log)}\n"
                             "Check the network, then start again.")


def locked(requirements: Path = REQUIREMENTS) -> str:
    """The lines of `PACKAGES` in the hashed requirements."""
    found = {match[1]: match[0] for match in REQUIREMENT.finditer(requirements.read_text(encoding="utf-8"))}
    return "".join(f"{found[name]}\n" for name in PACKAGES)
