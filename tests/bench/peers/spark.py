"""The parts of W1 in Spark Structured Streaming that do not depend on how messages are decoded."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

Decode = Callable[[DataFrame, int], DataFrame]
"""Adds to the column `value` of messages the columns of a reading, `reason` (null if accepted) and `event_ms`."""
COUNTED = ("device_id", "event_time", "max_temperature", "risk_score", "arc_count", "`current`")


def main(decode: Decode) -> None:
    """Runs W1 on the input folder, output folder and time of arrival on the command line."""
    folder, out, arrived_ms = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    spark = session()
    with tempfile.TemporaryDirectory(prefix="fire-spark-") as work:
        messages = spark.readStream.option("maxFilesPerTrigger", 1).text(str(folder))
        readings(decode(messages, arrived_ms), out, Path(work))
        windows(spark, out, Path(work))
        candidates(spark, out, Path(work))
    spark.stop()


def session() -> SparkSession:
    """Returns a session with one slot, as the other works have."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    return (SparkSession.builder.master("local[1]").appName("w1")
            .config("spark.driver.memory", "3g").config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", 1).config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.streaming.metricsEnabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate())


def readings(decoded: DataFrame, out: Path, work: Path) -> None:
    """Writes dead letters and distinct readings, and beside them what the windows and candidates need.

    Refused messages have no time, so they pass the watermark; each is distinct by an id of its own.
    """
    keyed = (decoded.withColumn("refused", f.expr("IF(reason IS NOT NULL, uuid(), NULL)"))
             .withColumn("event_time", f.expr("IF(reason IS NULL, timestamp_millis(event_ms), NULL)")))
    distinct = keyed.withWatermark("event_time", "10 minutes").dropDuplicates(["device_id", "idx", "event_time", "refused"])

    def write(batch: DataFrame, _: int) -> None:
        batch.persist()
        batch.where("reason IS NOT NULL").select("reason", "value").write.mode("append").json(str(out / "dead_letters"))
        accepted = batch.where("reason IS NULL").drop("reason", "value", "event_ms", "refused")
        accepted.write.mode("append").json(str(out / "readings"))
        accepted.selectExpr(*COUNTED).write.mode("append").parquet(str(work / "counted"))
        accepted.where("risk_level IN ('HIGH', 'CRITICAL')").write.mode("append").parquet(str(work / "risky"))
        batch.unpersist()

    query = distinct.writeStream.foreachBatch(write).option("checkpointLocation", str(work / "readings-state"))
    query.trigger(availableNow=True).start().awaitTermination()


def windows(spark: SparkSession, out: Path, work: Path) -> None:
    """Writes the five-minute aggregates of each device; a last row, later than all others, closes the windows."""
    source = str(work / "counted")
    schema = spark.read.parquet(source).schema
    last = spark.read.parquet(source).agg(f.max("event_time") + f.expr("INTERVAL 1 HOUR")).first()[0]
    spark.createDataFrame([("", last, None, None, None, None)], schema).write.mode("append").parquet(source)
    stream = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(source)
    aggregated = stream.withWatermark("event_time", "10 seconds").groupBy("device_id", f.window("event_time", "5 minutes")).agg(
        f.count("*").alias("record_count"), f.avg("max_temperature").alias("avg_temperature"),
        f.max("max_temperature").alias("max_temperature"), f.min("max_temperature").alias("min_temperature"),
        f.stddev_samp("max_temperature").alias("temp_stddev"), f.avg("risk_score").alias("avg_risk_score"),
        f.max("risk_score").alias("max_risk_score"), f.sum("arc_count").alias("total_arcs"),
        f.avg("current").alias("avg_current"), f.max("current").alias("max_current"))
    _append(aggregated, out / "device_5min_aggregates", work / "windows-state")


def candidates(spark: SparkSession, out: Path, work: Path) -> None:
    """Writes the first risky reading of each device, minute, level and type of alert."""
    source = str(work / "risky")
    schema = spark.read.parquet(source).schema
    stream = spark.readStream.schema(schema).parquet(source)
    minutes = stream.withColumn("minute", f.date_trunc("minute", "event_time")).withColumn("cause", f.lit("readings"))
    first = minutes.withWatermark("minute", "1 minute").dropDuplicates(["device_id", "minute", "risk_level", "alert_type"])
    _append(first, out / "candidates", work / "candidates-state")


def _append(rows: DataFrame, out: Path, state: Path) -> None:
    query = rows.writeStream.format("json").option("path", str(out)).option("checkpointLocation", str(state))
    query.queryName(uuid.uuid4().hex).trigger(availableNow=True).start().awaitTermination()
