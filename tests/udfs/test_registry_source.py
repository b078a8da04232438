"""The source of the registry: edits come into force while readings go on, whatever disk and network do."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import DEADLINE_SECONDS
from udfs.registry import source as registry_source
from udfs.registry.format import RegistryError
from udfs.registry.registry import NONE
from udfs.registry.source import EVERY_S, Source, resolved


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def at_once(work: Any) -> None:
    work()


def write(file: Path, **sections: Any) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(sections))
    new.replace(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "registry.json", version="one")
    return tmp_path / "registry.json"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_edit_is_in_force_within_ten_seconds_and_looks_are_no_more_frequent(file: Path, clock: Clock) -> None:
    source = Source(str(file), clock, at_once)
    assert source.current().version == "one"
    write(file, version="two")
    clock.now = EVERY_S - 0.1
    assert source.current().version == "one"
    clock.now = EVERY_S
    assert source.current().version == "two"


def test_broken_edit_leaves_the_last_good_version_and_is_logged_once(file: Path, clock: Clock,
                                                                     caplog: pytest.LogCaptureFixture) -> None:
    source = Source(str(file), clock, at_once)
    source.current()
    write(file, version="two", device={})
    with caplog.at_level(logging.WARNING):
        for clock.now in (10.0, 20.0, 30.0):
            assert source.current().version == "one"
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warned == [f"{source.problem}; version one stays in force"]
    assert str(source.problem).startswith(f"registry {file} is refused: line 1: device is not known; use version, sites,")
    write(file, version="three")
    clock.now = 40.0
    assert source.current().version == "three" and source.problem is None


def test_registry_that_disappears_stays_in_force_and_its_return_ends_the_problem(file: Path, clock: Clock) -> None:
    source = Source(str(file), clock, at_once)
    source.current()
    away = file.rename(file.with_suffix(".away"))
    clock.now = 10.0
    assert source.current().version == "one" and "cannot be read" in str(source.problem)
    away.rename(file)
    clock.now = 20.0
    assert source.current().version == "one" and source.problem is None


def test_default_profile_applies_until_the_registry_exists(tmp_path: Path, clock: Clock) -> None:
    source = Source(str(tmp_path / "registry.json"), clock, at_once)
    assert source.current() is NONE and "No such file" in str(source.problem)
    write(tmp_path / "registry.json", version="one")
    clock.now = 10.0
    assert source.current().version == "one"


@pytest.mark.parametrize("place", ["/dev/zero", "."])
def test_path_that_is_not_a_file_is_refused_and_stops_nothing(place: str, clock: Clock) -> None:
    source = Source(place, clock, at_once)
    assert source.current() is NONE and "is not a regular file" in str(source.problem)


def test_registry_that_is_too_large_is_refused(file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_source, "LARGEST_BYTES", 4)
    source = Source(str(file), clock, at_once)
    assert source.current() is NONE and "larger than" in str(source.problem)


def test_readings_do_not_wait_while_an_edit_is_fetched(file: Path, clock: Clock) -> None:
    looked = threading.Event()

    def in_background_and_tell(work: Any) -> None:
        registry_source.in_background(lambda: (work(), looked.set()))  # type: ignore[func-returns-value]

    source = Source(str(file), clock, in_background_and_tell)
    source.current()
    write(file, version="two")
    clock.now = 10.0
    with source._looking:
        assert source.current().version == "one"
    assert looked.wait(DEADLINE_SECONDS)
    assert source.current().version == "two"


def test_without_a_location_there_is_no_registry_and_no_problem(clock: Clock) -> None:
    source = Source("", clock, at_once)
    assert source.current() is NONE and source.problem is None


def test_location_is_made_absolute_for_the_workers() -> None:
    assert resolved("registry.json") == str(Path.cwd() / "registry.json")
    assert (resolved(""), resolved("s3://bucket/a/key.json")) == ("", "s3://bucket/a/key.json")


@pytest.mark.parametrize("location", ["s3://bucket", "s3:///key", "gs://bucket/key", "file:///etc/registry.json"])
def test_unusable_location_is_refused(location: str) -> None:
    with pytest.raises(RegistryError, match=r"name a file, or s3://bucket/key"):
        resolved(location)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of a real S3 server on this machine, to which the AWS default chain leads."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {"AWS_ENDPOINT_URL_S3": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "eu-west-1",
                        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    made = boto3.resource("s3").Bucket("fire")
    made.create(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield made
    made.objects.all().delete()
    made.delete()
    server.stop()


def test_registry_in_s3_is_followed_like_a_file(bucket: Any, clock: Clock) -> None:
    source = Source("s3://fire/sites/registry.json", clock, at_once)
    assert source.current() is NONE and "NoSuchKey" in str(source.problem)
    for clock.now, content, version in ((10.0, b'{"version": "one"}', "one"), (20.0, b'{"version": 2}', "one"),
                                        (30.0, b'{"version": "three"}', "three")):
        bucket.put_object(Key="sites/registry.json", Body=content)
        assert source.current().version == version
    unchanged = source.current()
    clock.now = 40.0
    assert source.current() is unchanged and source.problem is None


def test_object_that_disappears_leaves_the_last_good_version_in_force(bucket: Any, clock: Clock) -> None:
    bucket.put_object(Key="registry.json", Body=b'{"version": "one"}')
    source = Source("s3://fire/registry.json", clock, at_once)
    assert source.current().version == "one"
    bucket.objects.all().delete()
    clock.now = 10.0
    assert source.current().version == "one" and "cannot be read" in str(source.problem)


def test_default_profile_applies_while_s3_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    nowhere = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    for name, value in nowhere.items():
        monkeypatch.setenv(name, value)
    source = Source("s3://fire/registry.json", clock, at_once)
    assert source.current() is NONE and "cannot be read: Could not connect" in str(source.problem)
