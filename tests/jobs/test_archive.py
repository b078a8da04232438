"""Every reading is archived as Parquet by the hour, on a disk and in S3, and a replay of the archive gives the same results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from commands.replay import archive as archived
from commands.replay import replay as replayer
from commands.replay.replay import local_configuration
from core import installation
from core.settings import Settings, SettingsError
from infra.local import jars
from jobs import archive
from tests.conftest import Rows, message, rows

HOME = installation.home_folder(Settings.load())
HOUR = "year=2025/month=10/day=09/hour="


def with_parquet() -> dict[str, str]:
    """Returns Flink's options of a mini-cluster that can write the archive."""
    missing = jars.missing(HOME, ["parquet"])
    if missing:
        pytest.skip(f"the jars of parquet are not there; python -m infra.local.jars {HOME} parquet downloads them")
    found = ";".join(jar.as_uri() for jar in installation.jars(HOME, "parquet"))
    return {**local_configuration(), "pipeline.jars": found, "parallelism.default": "2"}


def day() -> list[bytes]:
    """Returns messages of two devices across the end of an hour, some odd: out of range, impossible, a Korean site, late."""
    steady = [message(device, idx=n, at=3500 + 10 * n, pcbTemp=40.0 + n / 10) for n in range(20) for device in ("a", "b")]
    odd = [message("odd", idx=1, at=3600, volt=999.5, siteId="공장", verifySts=1), message("bare", idx=2, at=3601, pcbTemp=None),
           message("broken", idx=4, at=3602, pcbTemp=30.5, sensorTemp=-127)]
    return [*steady[:20], *odd, *steady[20:], message("late", idx=3, at=3400, pcbTemp=70.0)]


@pytest.fixture(scope="module")
def original(replay: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    return replay(day())


@pytest.fixture(scope="module")
def stored(original: dict[str, Rows], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the readings, written by the real job."""
    folder = tmp_path_factory.mktemp("archive")
    settings = Settings(source="file", file_input=str(readings_file(original, folder)), archive=str(folder / "out"))
    archive.start(settings, with_parquet()).wait()
    return folder / "out"


def readings_file(original: dict[str, Rows], folder: Path) -> Path:
    lines = [json.dumps(row) for row in original["readings"]] + ['{"device_id": "no time"}', "rubbish"]
    (folder / "readings.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def key(row: dict[str, Any]) -> tuple[str, int]:
    return row["device_id"], row["idx"]


def test_every_reading_is_archived_in_the_folder_of_its_hour_with_every_value(original: dict[str, Rows], stored: Path) -> None:
    assert_archived(stored, original["readings"])
    assert {str(each.relative_to(stored)) for each in stored.glob("*/*/*/*")} == {f"{HOUR}09", f"{HOUR}10"}


def assert_archived(folder: Path, expected: Rows) -> None:
    partitions = ds.partitioning(flavor="hive")
    found = {key(row): row for row in ds.dataset(folder, format="parquet", partitioning=partitions).to_table().to_pylist()}
    assert found.keys() == {key(row) for row in expected}
    for row in expected:
        got = found[key(row)]
        time = got["event_time"].isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        lists = {name: json.loads(got[name]) for name in ("invalid_fields", "invalid_values", "warnings")}
        assert got | lists | {"event_time": time} == got | row
        assert (got["hour"], got["day"], got["source"] != "") == (int(row["event_time"][11:13]), 9, True)


def test_files_of_an_hour_are_merged_into_one(stored: Path) -> None:
    for hour in ("09", "10"):
        assert len([file for file in (stored / f"{HOUR}{hour}").iterdir() if not file.name.startswith(".")]) == 1


@pytest.fixture(scope="module")
def again(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """Returns the results of a replay of the archive."""
    out = tmp_path_factory.mktemp("again")
    replayer.replay([stored], out, 1, Settings())
    return {file.stem: rows(file) for file in out.glob("*.jsonl")}


def in_order(found: Rows) -> list[str]:
    """Sorts rows and rounds numbers to nine decimals, because the end of a bundle changes the order in which a sum is added.

    Warnings of fields without a value are left out, because such a field is not in the archive.
    """
    rounded = ({name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()} for row in found)
    kept = (row | {"warnings": [each for each in row.get("warnings", []) if "has no value" not in each]} for row in rounded)
    return sorted(json.dumps(row, sort_keys=True) for row in kept)


@pytest.mark.parametrize("result", ["readings", "device_minutes", "device_5min_aggregates", "site_risk"])
def test_replay_of_the_archive_gives_the_same_rows(original: dict[str, Rows], again: dict[str, Rows], result: str) -> None:
    assert in_order(again[result]) == in_order(original[result])
    assert again[result]


def test_replay_of_the_archive_gives_the_same_alerts(original: dict[str, Rows], again: dict[str, Rows]) -> None:
    def told(found: dict[str, Rows]) -> set[tuple[str, ...]]:
        return {(row["alert_id"], row["transition"], row["level"], row["event_time"]) for row in found["alerts"]}

    assert told(again) == told(original)
    assert told(again)


def test_single_file_of_an_archive_is_distinguished_from_lines_of_json(stored: Path, tmp_path: Path) -> None:
    file = next(each for each in stored.rglob("*part-*") if not each.name.startswith("."))
    (tmp_path / "day.jsonl").write_bytes(message())
    assert archived.is_archive(stored) and archived.is_archive(file) and not archived.is_archive(tmp_path / "day.jsonl")
    (tmp_path / "messages.jsonl").write_bytes(b"\n".join(archived.messages(file)))
    assert {row["deviceId"] for row in rows(tmp_path / "messages.jsonl")} <= {"a", "b", "odd", "bare", "broken", "late"}


def test_folder_without_readings_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(archived.ArchivedError, match="cannot be read as an archive of readings"):
        list(archived.messages(tmp_path))


@pytest.mark.parametrize(("given", "said"), [
    ({}, "FIRE_ARCHIVE is empty"),
    ({"archive": "/a", "source": "kinesis", "kinesis_streams": "arn:aws:kinesis:eu-west-1:123456789012:stream/"}, "FIRE_RESULTS"),
])  # fmt: skip
def test_missing_destination_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        archive.checked(Settings(**given))


def test_files_are_completed_at_the_configured_interval_and_on_managed_flink_at_its_own() -> None:
    assert archive.options(Settings(archive_seconds=600))["execution.checkpointing.interval"] == "600 s"
    assert "execution.checkpointing.interval" not in archive.options(Settings(managed_flink=True))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs an S3 server on the loopback address, with a bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    client = boto3.client("s3", endpoint_url="http://{}:{}".format(*server.get_host_and_port()), region_name="us-east-1")
    client.create_bucket(Bucket="fire")
    yield client
    server.stop()


IN_S3 = """
import sys
from pathlib import Path
from pyflink.java_gateway import get_gateway
from jobs import archive
from core.settings import Settings
from tests.jobs.test_archive import with_parquet
endpoint, given = sys.argv[1:]
options = {"s3.endpoint": endpoint, "s3.path.style.access": "true", "s3.access-key": "test", "s3.secret-key": "test",
           "s3.endpoint.region": "us-east-1"}
configuration = with_parquet()
jvm = get_gateway().jvm
flink = jvm.org.apache.flink.configuration.Configuration()
for name, value in options.items():
    flink.setString(name, value)
plugins = jvm.org.apache.flink.core.plugin.PluginUtils.createPluginManagerFromRootFolder(flink)
jvm.org.apache.flink.core.fs.FileSystem.initialize(flink, plugins)
archive.start(Settings(source="file", file_input=given, archive="s3://fire/archive/"), configuration | options).wait()
"""
"""Runs in its own process, because Java finds plugins and selects file systems when it starts."""


def test_archive_in_s3_holds_every_reading(original: dict[str, Rows], s3: Any, tmp_path: Path) -> None:
    if jars.missing(HOME, ["s3"]):
        pytest.skip(f"the plugin for S3 is not there; python -m infra.local.jars {HOME} s3 downloads it")
    (tmp_path / "plugins/s3").mkdir(parents=True)
    for jar in installation.jars(HOME, "s3"):
        (tmp_path / "plugins/s3" / jar.name).symlink_to(jar)
    environment = os.environ | {"FLINK_PLUGINS_DIR": str(tmp_path / "plugins"), "PYTHONPATH": str(installation.ROOT)}
    environment.pop("PYFLINK_GATEWAY_DISABLED", None)
    command = [sys.executable, "-c", IN_S3, s3.meta.endpoint_url, str(readings_file(original, tmp_path))]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-5000:]
    for each in s3.list_objects_v2(Bucket="fire", Prefix="archive/")["Contents"]:
        target = tmp_path / each["Key"]
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file("fire", each["Key"], str(target))
    assert_archived(tmp_path / "archive", original["readings"])
