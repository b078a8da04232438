"""The Python functions that Flink SQL calls; with `keyed.py` the only module here that knows PyFlink.

A function gets whole columns (Arrow batches as pandas Series) and returns one row per message, always: an exception
would restart the job, so what cannot be read comes back with its reason.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyflink.table import DataTypes
from pyflink.table.types import DataType
from pyflink.table.udf import FunctionContext, ScalarFunction, UserDefinedScalarFunctionWrapper, udf

from contract import identifiers
from contract.model import CONTRACT
from udfs import dead_letters
from udfs.readings import decode as telemetry
from udfs.readings import event_time
from udfs.registry import source
from udfs.registry.registry import NONE, Registry

TEXT, NUMBER, WHOLE, FLAG = DataTypes.STRING(), DataTypes.DOUBLE(), DataTypes.BIGINT(), DataTypes.BOOLEAN()
TIME = DataTypes.TIMESTAMP(3)
OF_TYPE = {"id": TEXT, "name": TEXT, "word": TEXT, "words": TEXT, "number": NUMBER, "score": NUMBER, "whole": WHOLE, "flag": FLAG}
"""Type of a column → its type in Flink; words are separated by commas."""
FIELDS: dict[str, DataType] = {
    "reason": TEXT, "event_ms": WHOLE, "limits": TEXT, "is_held": FLAG, "held_until": TEXT,
    **{column.name: OF_TYPE[column.type] for column in CONTRACT.result("readings").columns if column.type in OF_TYPE},
    "kept_message": DataTypes.BYTES(), "size_bytes": WHOLE, "sha256": TEXT, "is_cut": FLAG,
}  # fmt: skip
"""What `decode_and_score` returns, in the order of its ROW: the columns of a reading, and what is said about it."""
COUNTS = ("idx", *(each.name for each in CONTRACT.measured if each.type == "whole"))
"""Whole numbers in accepted messages; in a refused one they may be anything, which Arrow would not convert."""


def decode(message: pd.Series, record_key: pd.Series, record_time: pd.Series, arrived_by: pd.Series,
           stream_time: pd.Series, is_late: pd.Series, registry: Registry = NONE) -> pd.DataFrame:
    """Decodes, validates and scores a batch of messages.

    Args:
        message: the bytes of each message.
        record_key: the key that the broker had it under, bytes; a message that names another device is refused, because
            a device may speak only for itself; null where there is none or fleets key otherwise.
        record_time: the broker's time, UTC; null where the source has none.
        arrived_by: the latest moment at which the message can have arrived.
        stream_time: the event time that the source table read; a message that means another time is refused, because
            it would be counted in a wrong window.
        is_late: whether the message is behind the watermark; handed through.
        registry: what is known about the devices.

    Returns:
        One row per message with the columns of `FIELDS`.
    """
    readings = telemetry.read(message.tolist(), _milliseconds(record_time), _milliseconds(arrived_by), registry)
    meant, streamed = readings.columns["event_ms"], _milliseconds(stream_time)
    readings.refuse(meant == event_time.NO_TIME, lambda row: "timestamp is absent, and this source has no record time")
    readings.refuse(meant != streamed, lambda row: _two_times(meant[row], streamed[row]))
    keys, devices = record_key.tolist(), readings.columns["device_id"]
    readings.refuse(_spoken_for_another(keys, devices), lambda row: _two_devices(devices[row], keys[row]))
    columns = readings.columns | {"is_late": is_late.to_numpy()} | _refused(message, readings.reason)
    refused = readings.reason != None  # noqa: E711 -- compares each element
    for name in COUNTS:
        columns[name] = np.where(refused, np.nan, columns[name])
    return pd.DataFrame({name: columns[name] for name in FIELDS}, copy=False)


def _refused(messages: pd.Series, reasons: NDArray[np.object_]) -> dict[str, NDArray[Any]]:
    """The columns of a dead letter; None, or NaN for a number, where the message was accepted."""
    columns: dict[str, NDArray[Any]] = {name: np.full(len(reasons), None, dtype=object)
                                        for name in ("reason", "kept_message", "sha256", "is_cut")}
    columns["size_bytes"] = np.full(len(reasons), np.nan)
    for row in np.flatnonzero(reasons):
        kept = dead_letters.keep(messages.iloc[row])
        columns["reason"][row] = dead_letters.reason(reasons[row])
        columns["kept_message"][row], columns["size_bytes"][row] = kept.message, kept.size_bytes
        columns["sha256"][row], columns["is_cut"][row] = kept.sha256, kept.is_cut
    return columns


def _milliseconds(column: pd.Series) -> NDArray[np.int64]:
    milliseconds: NDArray[np.int64] = column.to_numpy(dtype="datetime64[ms]").astype(np.int64)
    return milliseconds


def _two_times(meant: int, streamed: int) -> str:
    return f"timestamp is ambiguous: read as {meant} and as {streamed} (epoch milliseconds); send the field once"


def _spoken_for_another(keys: list[bytes | None], devices: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.fromiter((key is not None and device is not None and key != device.encode()
                        for key, device in zip(keys, devices, strict=True)), dtype=bool, count=len(keys))


def _two_devices(device: str, key: bytes) -> str:
    shown = key[:identifiers.LONGEST_BYTES].decode(errors="replace")
    return f"deviceId {device!r} is not the record key {shown!r}; a device may speak only for itself"


class Decoder(ScalarFunction):  # type: ignore[misc]
    """`decode` with the registry at a location, in the version that is in force when a batch comes."""

    def __init__(self, location: str) -> None:
        """Called on the client; the object travels to the workers."""
        self._location = location

    def open(self, function_context: FunctionContext) -> None:
        """Called once in each worker, before the first batch."""
        self._registry = source.shared(self._location)

    def is_deterministic(self) -> bool:
        """No, or the planner calls it once for every use of its result."""
        return False

    def eval(self, message: pd.Series, record_key: pd.Series, record_time: pd.Series, arrived_by: pd.Series,
             stream_time: pd.Series, is_late: pd.Series) -> pd.DataFrame:
        """See `decode`."""
        return decode(message, record_key, record_time, arrived_by, stream_time, is_late, self._registry.current())


def decode_and_score(location: str = "") -> UserDefinedScalarFunctionWrapper:
    """`decode` as a SQL function, with the registry at `location`: a path, `s3://bucket/key`, or empty for none.

    Raises:
        RegistryError: the location is neither.
    """
    return udf(
        Decoder(source.resolved(location)),
        input_types=[DataTypes.BYTES(), DataTypes.BYTES(), TIME, TIME, TIME, FLAG],
        result_type=DataTypes.ROW([DataTypes.FIELD(name, kind) for name, kind in FIELDS.items()]),
        func_type="pandas",
    )
