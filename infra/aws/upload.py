"""Uploads the package for Managed Flink and the templates to the packages bucket."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from core.settings import Settings
from infra.aws.cloud import Cloud
from infra.aws.errors import DeployError
from infra.aws.layers import Layer

NEEDED = ("main.py", "lib/pyflink-dependencies.jar")
"""The files of the package that application.yaml names."""


def accepted(name: str | None) -> Path:
    """Returns the path of the package called `name`, or builds one if there is no name.

    Raises:
        DeployError: the file does not exist or is not a package for Managed Flink.
    """
    path = Path(name) if name else _built()
    if not zipfile.is_zipfile(path):
        raise DeployError(f"{path} is not a zip file; build one with ./fire package managed-flink")
    with zipfile.ZipFile(path) as archive:
        missing = sorted(set(NEEDED) - set(archive.namelist()))
    if missing:
        raise DeployError(f"{path} lacks {', '.join(missing)}; build it with ./fire package managed-flink")
    return path


def _built() -> Path:
    from core import installation
    from infra.local import install
    from infra.managed_flink import package

    settings = Settings.load()
    home = installation.home_folder(settings)
    install.ensure(home, "package")
    package.package(home / package.NAME, home, settings.kinesis_jar)
    return home / package.NAME


def upload_package(cloud: Cloud, bucket: str, package: Path) -> str:
    """Uploads the package under a key derived from its content, unless it exists, and returns the key."""
    key = f"packages/{_digest(package.read_bytes())}.zip"
    client = cloud.client("s3")
    if not client.list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"):
        client.upload_file(str(package), bucket, key)
    return key


def upload_template(cloud: Cloud, bucket: str, layer: Layer) -> str:
    """Uploads a template and returns its address for CloudFormation."""
    body = layer.file.read_bytes()
    key = f"templates/{layer.file.stem}-{_digest(body)}.yaml"
    cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return f"https://{bucket}.s3.{cloud.region}.amazonaws.com/{key}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
