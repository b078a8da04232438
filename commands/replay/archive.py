"""Converts archived readings back to device messages, so that they can be replayed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from contract.declared import CONTRACT
from core.errors import FireError
from udfs.readings.event_time import LATEST_MS

if TYPE_CHECKING:
    import pyarrow as pa

FIELDS = {"device_id": "deviceId", "idx": "idx", "site_id": "siteId",
          **{each.name: each.spellings[0] for each in CONTRACT.measured}}
"""Field of a message by column of the archive."""
INVALID = ("invalid_fields", "invalid_values")
"""Columns with the names and values of what was out of range or impossible; archives of earlier versions have no values."""
MAGIC = b"PAR1"
NEWEST_MS = LATEST_MS
"""The newest time of an archived reading, whose time was judged when it arrived."""


class ArchivedError(FireError):
    """An archive cannot be read; the text names its path and the remedy."""


def is_archive(path: Path) -> bool:
    """Returns whether the path is a folder or a Parquet file, judged by its first bytes, as Flink's files have no suffix."""
    if path.is_dir():
        return True
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def messages(archive: Path) -> Iterator[bytes]:
    """Yields the messages of an archive's readings, in order of event time.

    Late readings follow at the end and are late again, so that windows count the same readings as before. A field that had no
    value is absent, so that its warning does not come back. All readings are held in memory.

    Raises:
        ArchivedError: the path has no archived readings.
    """
    table = _read(archive)
    times = table["event_time"].cast("int64").to_pylist()
    columns = {field: table[name].to_pylist() for name, field in FIELDS.items()}
    came = _as_they_came(table)
    for time, invalid, *values in zip(times, came, *columns.values(), strict=True):
        present = {field: value for field, value in zip(columns, values, strict=True) if value is not None}
        yield orjson.dumps({"timestamp": time, **invalid, **present})


def _as_they_came(table: pa.Table) -> Iterator[dict[str, str]]:
    """Yields the invalid values of each reading by field of a message; an impossible one is in no other column."""
    if not set(INVALID) <= set(table.column_names):
        return repeat({}, len(table))
    lists = (map(orjson.loads, table[name].to_pylist()) for name in INVALID)
    return ({FIELDS[name]: value for name, value in zip(*row, strict=True)} for row in zip(*lists, strict=True))


def _read(archive: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.dataset as ds

    try:
        # Names of Flink's unfinished files begin with a dot, and pyarrow skips those.
        dataset = ds.dataset(archive, format="parquet")
        table = dataset.to_table(columns=["event_time", "is_late", *FIELDS, *(set(INVALID) & set(dataset.schema.names))])
    except (OSError, pa.ArrowInvalid) as problem:
        raise ArchivedError(f"{archive} cannot be read as an archive of readings: {problem}; name a folder that the archive job "
                            "wrote, or one of its Parquet files") from problem
    order = [("is_late", "ascending"), ("event_time", "ascending"), ("device_id", "ascending"), ("idx", "ascending")]
    return table.set_column(0, "event_time", table["event_time"].cast(pa.timestamp("ms"))).sort_by(order)
