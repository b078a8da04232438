"""Keeps the registry up to date in every worker: reads a file or an S3 object again every ten seconds.

A registry that cannot be read or used never stops a reading: the last good one stays in force, and the problem is logged once.
"""

from __future__ import annotations

import logging
import stat
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from udfs.registry.format import RegistryError, parse
from udfs.registry.registry import NONE, Registry

EVERY_S = 10.0
"""Seconds between two looks of a worker; an edit must be in force everywhere within 30 s."""
LARGEST_BYTES = 64 * 1024 * 1024
S3 = "s3://"
S3_CONNECT_S, S3_READ_S, S3_ATTEMPTS = 2, 5, 2
"""Timeouts in seconds, and attempts: they bound how long the first reading waits if S3 cannot be reached."""

log = logging.getLogger(__name__)
Version = tuple[Any, bytes]
"""A mark that identifies a version, and the version's content."""


def resolved(location: str) -> str:
    """Makes a location absolute, because a worker has another working folder; empty stays empty.

    Raises:
        RegistryError: the location is neither a path nor `s3://bucket/key`.
    """
    if location.startswith(S3):
        bucket, _, key = location.removeprefix(S3).partition("/")
        if bucket and key:
            return location
    elif "://" not in location:
        return location and str(Path(location).resolve())
    raise RegistryError(f"the registry cannot be at {location}; name a file, or s3://bucket/key")


def in_background(work: Callable[[], None]) -> None:
    """Runs `work` in a thread, so that readings do not wait for a slow disk or network."""
    threading.Thread(target=work, name="registry", daemon=True).start()


class Source:
    """The registry at one location, kept up to date; `problem` is why the newest version is not in force, or None if it is."""

    def __init__(self, location: str, clock: Callable[[], float] = time.monotonic,
                 start: Callable[[Callable[[], None]], None] = in_background) -> None:
        """`location` is a path, `s3://bucket/key` (endpoint and credentials from the AWS default chain), or empty for none."""
        self.location = location
        self.problem: str | None = None
        self._read = _reader(location)
        self._clock, self._start = clock, start
        self._looking = threading.Lock()
        self._looked_at: float | None = None
        self._mark: Any = None
        self._refusal: str | None = None
        self._registry = NONE

    def current(self) -> Registry:
        """Returns the last good registry, or `registry.NONE` if there was none yet; only the very first call waits for it."""
        now, looked_at = self._clock(), self._looked_at
        if looked_at is None:
            self.look()
        elif now - looked_at >= EVERY_S:
            self._looked_at = now
            self._start(self.look)
        return self._registry

    def look(self) -> None:
        """Reads the registry if it has changed since the last look, and logs a problem that is new."""
        with self._looking:
            problem = self._look()
            if problem and problem != self.problem:
                log.warning("%s; version %s stays in force", problem, self._registry.version)
            self.problem = problem
            self._looked_at = self._clock()

    def _look(self) -> str | None:
        """Puts the present version in force and returns None, or returns why it is not in force."""
        try:
            version = self._read(self._mark)
        except Exception as problem:  # no fault of a disk or network may stop the readings
            return f"registry {self.location} cannot be read: {problem}"
        if version is not None:
            self._mark, content = version
            self._refusal = self._put_in_force(content)
        return self._refusal

    def _put_in_force(self, content: bytes) -> str | None:
        try:
            self._registry = parse(content)
        except RegistryError as problem:
            return f"registry {self.location} is refused: {problem}"
        log.info("registry %s is in force in version %s", self.location, self._registry.version)
        return None


@lru_cache(maxsize=8)
def shared(location: str) -> Source:
    """Returns the one source of a location in this process, which all functions share."""
    return Source(location)


def _reader(location: str) -> Callable[[Any], Version | None]:
    if location.startswith(S3):
        return S3Object(location)
    return File(location) if location else _nowhere


def _nowhere(mark: Any) -> None:
    return None


class File:
    """Reads a registry from a file; inode, size and modification time identify a version."""

    def __init__(self, location: str) -> None:
        self._path = Path(location)

    def __call__(self, mark: Any) -> Version | None:
        """Returns the present version, or None if `mark` identifies it.

        Raises:
            OSError: the file cannot be read.
            RegistryError: the path is not a regular file, or the file is too large.
        """
        status = self._path.stat()
        present = (status.st_ino, status.st_size, status.st_mtime_ns)
        if present == mark:
            return None
        if not stat.S_ISREG(status.st_mode):
            raise RegistryError("it is not a regular file; name a file")
        with self._path.open("rb") as file:
            return present, _bounded(file)


class S3Object:
    """Reads a registry from an S3 object; the ETag identifies a version."""

    def __init__(self, location: str) -> None:
        self._bucket, _, self._key = location.removeprefix(S3).partition("/")
        self._client: Any = None

    def __call__(self, mark: Any) -> Version | None:
        """Returns the present version, or None if `mark` identifies it.

        Raises:
            ClientError: S3 refuses the request.
            RegistryError: the object is too large.
        """
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]

        self._client = self._client or _s3_client()
        unless = {"IfNoneMatch": mark} if mark else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, **unless)
        except ClientError as problem:
            if problem.response["ResponseMetadata"]["HTTPStatusCode"] == 304:
                return None
            raise
        with answer["Body"] as body:
            return answer["ETag"], _bounded(body)


def _s3_client() -> Any:
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    return boto3.client("s3", config=Config(connect_timeout=S3_CONNECT_S, read_timeout=S3_READ_S,
                                            retries={"total_max_attempts": S3_ATTEMPTS}))


def _bounded(stream: Any) -> bytes:
    content: bytes = stream.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise RegistryError(f"it is larger than {LARGEST_BYTES // 1024**2} MiB, the most that a registry may have; shorten it")
    return content
