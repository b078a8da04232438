"""`decode_and_score`, the Python function that Flink SQL calls on messages.

It receives whole columns (Arrow batches as pandas Series) and always returns one row per message: an exception would restart
the job, so a message that cannot be read comes back with its reason.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyflink.table import DataTypes
from pyflink.table.types import DataType
from pyflink.table.udf import FunctionContext, ScalarFunction, UserDefinedScalarFunctionWrapper, udf

from contract import crossing, identifiers
from contract.declared import CONTRACT
from udfs import dead_letters
from udfs.readings import decode, digest, event_time, payloads, worst
from udfs.registry import source
from udfs.registry.registry import NONE, Registry

TEXT, NUMBER, WHOLE, FLAG = DataTypes.STRING(), DataTypes.DOUBLE(), DataTypes.BIGINT(), DataTypes.BOOLEAN()
TIME, BYTES = DataTypes.TIMESTAMP(3), DataTypes.BYTES()
OF_TYPE = {"id": TEXT, "name": TEXT, "word": TEXT, "words": TEXT, "text": TEXT, "time": TEXT, "number": NUMBER, "score": NUMBER,
           "whole": WHOLE, "flag": FLAG, "bytes": BYTES}
"""Type of a column → its type in Flink; words are separated by commas."""
DEAD_LETTER = {"reason": TEXT, "kept_message": BYTES, "size_bytes": WHOLE, "sha256": TEXT, "is_cut": FLAG}
WHOLE_NUMBERS = ("idx", *(each.name for each in CONTRACT.measured if each.type == "whole"))
"""Columns of whole numbers; a refused message may hold any number there, which Arrow would not convert."""


def fields(results_in: str) -> dict[str, DataType]:
    """Returns what `decode_and_score` returns, in the order of its ROW: a dead letter, a digest of the content, and a reading."""
    columns = {column.name: OF_TYPE[column.type] for column in crossing.reading_columns(CONTRACT, results_in)}
    return DEAD_LETTER | {"content": WHOLE} | columns


def decode_batch(message: pd.Series, record_key: pd.Series, record_time: pd.Series, arrived_by: pd.Series,
                 stream_time: pd.Series, is_late: pd.Series, registry: Registry = NONE, results_in: str = "kafka",
                 oldest_days: int = 0) -> pd.DataFrame:
    """Decodes, validates and scores a batch of messages.

    Args:
        message: the bytes of each message.
        record_key: the key of the record, bytes; null if there is none, or if the fleet does not key by device. A message
            that names another device is refused, because a device may speak only for itself.
        record_time: when the message arrived, UTC; null if the source does not say.
        arrived_by: the latest moment at which a message of unknown arrival can have arrived.
        stream_time: the event time that the source table read. A message in which the decoder reads another time is refused,
            because it would be counted in the wrong window.
        is_late: whether the message arrived behind the watermark; returned unchanged.
        registry: the sites, profiles and maintenance windows of the devices.
        results_in: the connector of the results, which determines the columns.
        oldest_days: how long before its arrival a message can have been measured, 0 for any time.

    Returns:
        One row per message with the columns of `fields`.
    """
    readings = decode.read(message.tolist(), _milliseconds(record_time), _milliseconds(arrived_by), registry,
                           oldest_days)
    event_ms, stream_ms = readings.columns["event_ms"], _milliseconds(stream_time)
    readings.refuse(event_ms == event_time.NO_TIME, lambda row: "timestamp is absent, and this source has no record time")
    readings.refuse(event_ms != stream_ms, lambda row: _two_times(event_ms[row], stream_ms[row]))
    keys, devices = record_key.tolist(), readings.columns["device_id"]
    readings.refuse(_are_of_another_device(keys, devices), lambda row: _two_devices(devices[row], keys[row]))
    columns = readings.columns | {"is_late": is_late.to_numpy()} | _refused(message, readings.reason)
    accepted = readings.reason == None  # noqa: E711 -- compares each element
    columns["worst_reading"] = worst.worst_readings(columns, accepted)
    if crossing.takes_messages(results_in):
        columns |= payloads.messages(columns, accepted)
    columns["content"] = digest.content(columns)
    for name in WHOLE_NUMBERS:
        columns[name] = np.where(accepted, columns[name], np.nan)
    return pd.DataFrame({name: columns[name] for name in fields(results_in)}, copy=False)


def _refused(messages: pd.Series, reasons: NDArray[np.object_]) -> dict[str, NDArray[Any]]:
    """Builds the columns of dead letters: None, or NaN for a number, where the message was accepted."""
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


def _two_times(event_ms: int, stream_ms: int) -> str:
    return f"timestamp is ambiguous: read as {event_ms} and as {stream_ms} (epoch milliseconds); send the field once"


def _are_of_another_device(keys: list[bytes | None], devices: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.fromiter((key is not None and device is not None and key != device.encode() and _id(key) != device
                        for key, device in zip(keys, devices, strict=True)), dtype=bool, count=len(keys))


def _id(key: bytes) -> str:
    return identifiers.normal(key.decode(errors="replace"))


def _two_devices(device: str, key: bytes) -> str:
    shown = key[:identifiers.LONGEST_BYTES].decode(errors="replace")
    return f"deviceId {device!r} is not the record key {shown!r}; a device may speak only for itself"


class Decoder(ScalarFunction):  # type: ignore[misc]
    """Calls `decode_batch` with the version of the registry that is in force when a batch arrives."""

    def __init__(self, location: str, results_in: str = "kafka", oldest_days: int = 0) -> None:
        """Runs on the client, which pickles the object for the workers; `location` is that of the registry."""
        self._location, self._results_in, self._oldest_days = location, results_in, oldest_days

    def open(self, function_context: FunctionContext) -> None:
        """Runs once in each worker, before the first batch."""
        self._registry = source.shared(self._location)

    def is_deterministic(self) -> bool:
        """Returns False: the planner would call a deterministic function once for every use of its result."""
        return False

    def eval(self, message: pd.Series, record_key: pd.Series, record_time: pd.Series, arrived_by: pd.Series,
             stream_time: pd.Series, is_late: pd.Series) -> pd.DataFrame:
        """Decodes and scores a batch; the arguments are those of `decode_batch`."""
        return decode_batch(message, record_key, record_time, arrived_by, stream_time, is_late, self._registry.current(),
                            self._results_in, self._oldest_days)


def decode_and_score(location: str = "", results_in: str = "kafka", oldest_days: int = 0) -> UserDefinedScalarFunctionWrapper:
    """Makes `decode_batch` a SQL function that uses the registry at `location`: a path, `s3://bucket/key`, or empty for none.

    `results_in` is the connector of the results, which determines the columns of its ROW; `oldest_days` is how
    long before its arrival a message can have been measured, 0 for any time.

    Raises:
        RegistryError: the location is neither a path nor `s3://bucket/key`.
    """
    return udf(
        Decoder(source.resolved(location), results_in, oldest_days),
        input_types=[BYTES, BYTES, TIME, TIME, TIME, FLAG],
        result_type=DataTypes.ROW([DataTypes.FIELD(name, type_) for name, type_ in fields(results_in).items()]),
        func_type="pandas",
    )
