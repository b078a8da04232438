"""W1 in Spark Structured Streaming, decoded and scored by the project's NumPy core in a pandas UDF."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from tests.bench.peers import spark
from tests.bench.peers.decoded import COLUMNS, read

WHOLE = [name for name, type_ in COLUMNS.items() if type_ == "BIGINT"]
FIELDS = {"reason": "STRING", "event_ms": "BIGINT", **COLUMNS}


def decode(messages: DataFrame, arrived_ms: int) -> DataFrame:
    """Adds the columns of the decoder to messages."""

    @f.pandas_udf(", ".join(f"`{name}` {type_}" for name, type_ in FIELDS.items()))
    def decoded(message: pd.Series) -> pd.DataFrame:
        readings = read(message.tolist(), arrived_ms)
        columns = readings.columns | {"reason": readings.reason}
        refused = readings.reason != None  # noqa: E711 -- compares each element
        for name in WHOLE:  # a refused message may hold any number there
            columns[name] = np.where(refused, np.nan, columns[name])
        return pd.DataFrame({name: columns[name] for name in FIELDS}, copy=False)

    called = decoded.asNondeterministic()(f.col("value").cast("binary"))
    return messages.withColumn("r", called).select("value", "r.*")


if __name__ == "__main__":
    spark.main(decode)
