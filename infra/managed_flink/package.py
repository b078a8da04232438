"""`./fire package managed-flink`: one zip that Managed Service for Apache Flink 2.2 runs, and its runtime properties.

`main.py` at the root, one jar in `lib/`, and in `dep/` what Python imports: the project itself with its SQL, and packages.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from infra.local import folders, jars
from infra.managed_flink import jar, wheels
from jobs.errors import FireError
from jobs.settings import PROPERTY_GROUP, Settings

NAME = "fire-managed-flink.zip"
PROPERTIES = "application_properties.json"
JAR = "lib/pyflink-dependencies.jar"
RUN_OPTIONS: dict[str, object] = {"PropertyGroupId": "kinesis.analytics.flink.run.options",
               "PropertyMap": {"python": "main.py", "jarfile": JAR, "pyFiles": "dep/"}}
PROJECT = (("contract", "*.py"), ("contract", "*.toml"), ("jobs", "*.py"), ("udfs", "*.py"), ("sql", "*.sql"))
"""Folders of the project and what of them is packed."""
SHADED = "flink-sql-connector-kafka"
"""Its Kafka client has another name, by which the login of MSK does not know it."""
LOCAL_ONLY = ("home", "maven_url", "managed_flink", "kinesis_jar", "python_executable", "parallelism", "checkpoint_seconds",
              "bundle_size", "bundle_millis")
"""Settings of this machine, or of what Managed Flink has in its application's configuration."""
LARGEST_MB = 512


class PackageError(FireError):
    """The package cannot be made; the text says what is missing or too large."""


def run(args: argparse.Namespace) -> int:
    """Writes the zip and its properties into `args.out` and says where they are."""
    settings = Settings.load()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    package(out / NAME, folders.home_folder(settings), settings.kinesis_jar)
    properties = out / PROPERTIES
    properties.write_text(json.dumps(application_properties(settings), indent=2) + "\n", encoding="utf-8")
    print(f"{out / NAME}  {(out / NAME).stat().st_size / 1024**2:.0f} MB\n{properties}  the application's runtime properties")
    if not settings.kinesis_jar:
        print("without the connector of Kinesis; set FIRE_KINESIS_JAR to its jar where a source or sink is Kinesis")
    return 0


def package(target: Path, home: Path, kinesis_jar: str = "", python: str = wheels.PYTHON) -> None:
    """Writes the zip `target` from the jars of `home`; `python` is the version whose wheels it holds.

    Raises:
        PackageError: a jar is missing, or the zip is too large.
    """
    with tempfile.TemporaryDirectory(prefix="fire-package-") as folder:
        root = Path(folder)
        jar.merge(connectors(home, kinesis_jar), root / JAR)
        wheels.unpack(root / "dep", python)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in _contents(root):
                archive.write(file, name, zipfile.ZIP_STORED if file.suffix == ".jar" else None)
    if target.stat().st_size > LARGEST_MB * 1024**2:
        raise PackageError(f"{target} is larger than the {LARGEST_MB} MB that Managed Service for Apache Flink takes")


def connectors(home: Path, kinesis_jar: str = "") -> list[Path]:
    """The jars that become one: Kafka with the login of MSK, JDBC with Postgres, and Kinesis where it is there.

    Raises:
        PackageError: a jar is missing.
    """
    wanted = [each.target(home) for each in jars.locked(("managed-flink", "flink", "kinesis")) if SHADED not in each.path]
    wanted += [Path(kinesis_jar)] if kinesis_jar else []
    missing = [str(each) for each in wanted if not each.is_file()]
    if missing:
        raise PackageError(f"{', '.join(missing)} does not exist; ./fire package downloads the locked jars, and "
                           "FIRE_KINESIS_JAR names the one of Kinesis")
    return wanted


def application_properties(settings: Settings) -> list[dict[str, object]]:
    """The property groups of the application: how it is run, and every setting that differs from its default, no secrets."""
    given = {each.name: getattr(settings, each.name) for each in fields(settings)
             if each.name not in LOCAL_ONLY and not each.metadata["secret"]}
    changed = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()
               if value != getattr(Settings(), name) or name in ("job", "kafka_brokers")}
    return [RUN_OPTIONS, {"PropertyGroupId": PROPERTY_GROUP, "PropertyMap": changed}]


def _contents(root: Path) -> Iterator[tuple[Path, Path]]:
    """What the zip holds: the path in it, and the file."""
    yield Path("main.py"), Path(__file__).with_name("main.py")
    for part, pattern in PROJECT:
        for file in sorted((folders.ROOT / part).rglob(pattern)):
            yield "dep" / file.relative_to(folders.ROOT), file
    for file in sorted(each for each in root.rglob("*") if each.is_file()):
        yield file.relative_to(root), file
