"""W1 in Spark Structured Streaming with native expressions alone: `from_json`, and SQL for refusals and scores.

It refuses the kinds of malformed messages that the simulator sends, but reads no numbers sent as text, and its reasons do not
quote values. Limits and points are those of `udfs.readings.thresholds`.
"""

from __future__ import annotations

from pyspark.sql import DataFrame

from contract.declared import CONTRACT
from tests.bench.peers import spark
from udfs.readings import scoring
from udfs.readings import thresholds as t
from udfs.readings.scoring import ALARM_MASK, BIT, COMMUNICATION_ERROR, RANGES, WITHOUT_ALARMS, hazard_rank

TYPES = {"number": "DOUBLE", "whole": "BIGINT"}
SCHEMA = ", ".join([
    "deviceId STRING, siteId STRING, idx BIGINT, `timestamp` STRING", "_corrupt STRING",
    *(f"`{spelling}` {TYPES[each.type]}" for each in CONTRACT.measured for spelling in each.spellings)])
MEASURED = {each.name: f"coalesce({', '.join(f'm.`{spelling}`' for spelling in each.spellings)})" for each in CONTRACT.measured}
PARSED = (f"from_json(value, '{SCHEMA}', map('mode', 'PERMISSIVE', 'columnNameOfCorruptRecord', '_corrupt', "
          "'allowNonNumericNumbers', 'false'))")
EVENT_MS = "coalesce(try_cast(m.`timestamp` AS BIGINT), unix_millis(try_to_timestamp(m.`timestamp`)))"
LARGEST = 2**53
ALARMS = f"IF(status >= {WITHOUT_ALARMS}, 0, status & {ALARM_MASK})"
"""The alarm bits that count."""


def rounded(expression: str) -> str:
    """Rounds as all scores are rounded."""
    return f"round({expression}, {t.DECIMALS})"


def points(condition: str, value: float) -> str:
    """Points if a condition holds; one of a measurement that is absent does not."""
    return f"IF({condition}, {value}D, 0D)"


def steps(column: str, limits: t.Steps, otherwise: float = 0.0) -> str:
    """The points of the first limit that is exceeded."""
    cases = " ".join(f"WHEN {column} > {limit} THEN {each}D" for limit, each in limits)
    return f"CASE {cases} ELSE {otherwise}D END"


def has(*names: str) -> str:
    """Whether one of the alarm bits is set."""
    return f"(alarms & {sum(BIT[name] for name in names)}) != 0"


def any_of(*conditions: str) -> str:
    """Whether a condition holds; one of a measurement that is absent does not."""
    return " OR ".join(f"coalesce({each}, FALSE)" for each in conditions)


def reason(arrived_ms: int) -> str:
    """Why a message is refused, or null."""
    measured = ", ".join(name for name in MEASURED if name != "verify_status")
    return f"""CASE
        WHEN value = '' THEN 'message is empty'
        WHEN NOT is_valid_utf8(value) THEN 'message is not JSON: invalid UTF-8'
        WHEN m IS NULL OR m._corrupt IS NOT NULL THEN 'message is not a JSON object with values of the expected types'
        WHEN device_id IS NULL THEN 'deviceId is absent'
        WHEN trim(device_id) = '' THEN 'deviceId is empty'
        WHEN idx IS NULL THEN 'idx is absent'
        WHEN abs(idx) > {LARGEST} THEN 'idx is out of range'
        WHEN coalesce({measured}) IS NULL THEN 'nothing is measured: neither status nor any measurement is present'
        WHEN status_bits NOT BETWEEN 0 AND {LARGEST} THEN 'status is out of range'
        WHEN arc_count NOT BETWEEN 0 AND {LARGEST} THEN 'aArc is out of range'
        WHEN m.`timestamp` IS NULL THEN 'timestamp is absent'
        WHEN event_ms IS NULL THEN 'timestamp cannot be read'
        WHEN event_ms NOT BETWEEN {t.EARLIEST_MS} AND {arrived_ms} THEN 'timestamp is before 2015, or later than the file'
    END"""


def basis() -> dict[str, str]:
    """What the scores are computed from."""
    bits = " + ".join(f"(({ALARMS} >> {bit}) & 1) * {weight}D" for bit, weight in enumerate(t.ALARM_WEIGHTS))
    return {"max_temperature": "greatest(pcb_temperature, sensor_temperature)",
            "alarms": ALARMS, "total_alarm_count": f"CAST(bit_count({ALARMS}) AS BIGINT)",
            "communication_error": f"status >= {COMMUNICATION_ERROR}", "bit_risk": bits,
            "watts": "voltage * `current` * power_factor", "ohms": "voltage / nullif(`current`, 0)",
            "leakage": "greatest(leakage_current, resistive_leakage)"}


def partial_scores() -> dict[str, str]:
    """Scores that measurements give directly."""
    rule = " + ".join([
        steps("max_temperature", t.HEAT_POINTS),
        points(f"voltage > {t.VOLTAGE_HIGH_V} OR voltage_low < {t.VOLTAGE_LOW_V}", t.RULE_POINTS["voltage"]),
        points(f"`current` > {t.CURRENT_HIGH_A}", t.RULE_POINTS["current"]),
        points(f"leakage > {t.LEAKAGE_WARN_MA}", t.RULE_POINTS["leakage"]),
        f"least({t.MOST_ARC_POINTS}D, {t.ARC_POINTS}D * coalesce(arc_count, 0))",
        points(f"co_gas > {t.CO_WARN_PPM}", t.RULE_POINTS["co_gas"]), points(f"voc > {t.VOC_WARN}", t.RULE_POINTS["voc"]),
        points(f"power_factor < {t.POWER_FACTOR_LOW}", t.RULE_POINTS["power_factor"])])
    crowd = f"{t.CROWDED_ALARM_POINTS}D * greatest(total_alarm_count - {t.CROWDED_ALARMS}, 0)"
    low, high = t.RESISTANCE_OHM
    pattern = " + ".join([
        steps(rounded("abs(pcb_temperature - sensor_temperature)"), t.IMBALANCE_POINTS),
        points(f"abs(watts - 1000 * power) > {t.POWER_MISMATCH_SHARE} * watts", t.CONTRADICTION_POINTS),
        points(f"`current` > {t.LOADED_A} AND (ohms < {low} OR ohms > {high})", t.CONTRADICTION_POINTS)])
    electrical = " + ".join([*(points(has(name), each) for name, each in t.ELECTRICAL_POINTS.items()),
                             f"least({t.MOST_ELECTRICAL_ARC_POINTS}D, {t.ELECTRICAL_ARC_POINTS}D * coalesce(arc_count, 0))"])
    gas = " + ".join([points(f"co_gas > {t.CO_WARN_PPM}", t.GAS_POINTS["co_gas"]),
                      points(f"voc > {t.VOC_WARN}", t.GAS_POINTS["voc"])])
    heat = steps("max_temperature", t.HEAT_SCORES, t.LEAST_HEAT_SCORE)
    return {"rule_risk": rounded(f"least({rule}, 1D)"),
            "status_risk": f"IF(communication_error, {t.COMMUNICATION_ERROR_RISK}D, {rounded(f'least(bit_risk + {crowd}, 1D)')})",
            "pattern_risk": rounded(pattern), "temperature_score": f"IF(max_temperature IS NULL, NULL, {heat})",
            "electrical_score": rounded(electrical), "gas_score": rounded(gas), "worst": worst_hazard()}


def worst_hazard() -> str:
    """The rank of a reading's worst hazard."""
    hazards = [*((scoring.TYPE_OF_ALARM[name], floor, has(name)) for name, floor in t.ALARM_FLOORS.items()), *measured_hazards()]
    ranks = (f"IF({exists}, {hazard_rank(name, floor)}, 0)" for name, floor, exists in hazards)
    return f"greatest(0, {', '.join(ranks)})"


def measured_hazards() -> list[tuple[str, float, str]]:
    """The alert type of each hazard, the risk that it alone stands for, and when it exists."""
    return [
        (scoring.TEMPERATURE, t.CRITICAL, f"max_temperature > {t.BURNING_C}"),
        (scoring.TEMPERATURE, t.HIGH, f"max_temperature > {t.HOT_C}"),
        (scoring.ARCS, t.HIGH, f"arc_count > {t.MANY_ARCS}"), (scoring.ARCS, 0.0, "arc_count > 0"),
        (scoring.LEAKAGE, t.CRITICAL, f"leakage >= {t.LEAKAGE_FIRE_MA}"),
        (scoring.LEAKAGE, t.HIGH, f"leakage >= {t.LEAKAGE_PERSON_MA}"), (scoring.LEAKAGE, 0.0, f"leakage > {t.LEAKAGE_WARN_MA}"),
        (scoring.GAS, t.CRITICAL, any_of(f"co_gas >= {t.CO_ALARM_PPM}",
                                         f"co_gas > {t.CO_WITH_VOC_PPM} AND voc > {t.VOC_WITH_CO}")),
        (scoring.GAS, 0.0, any_of(f"co_gas > {t.CO_WARN_PPM}", f"voc > {t.VOC_WARN}")),
        (scoring.OVERVOLTAGE, t.HIGH, f"voltage > {t.LIMITS['voltage_hazard']}"),
        (scoring.OVERVOLTAGE, 0.0, f"voltage > {t.VOLTAGE_HIGH_V}"),
        (scoring.OVERCURRENT, 0.0, f"`current` > {t.CURRENT_HIGH_A}"),
    ]  # fmt: skip


def by_rank(values: list[str]) -> str:
    """The value of the worst hazard among one per rank."""
    return f"array({', '.join(values)})[worst]"


def base_scores() -> dict[str, str]:
    """Scores that add up others."""
    base = " + ".join(f"{weight}D * {name}" for name, weight in t.BASE_WEIGHTS.items())
    indicator = f"{t.TEMPERATURE_WEIGHT}D * coalesce(temperature_score, 0D) + electrical_score + gas_score"
    floors = by_rank([f"{floor}D" for floor in scoring.FLOOR_OF_RANK])
    return {"base_risk": rounded(base), "floor_risk": f"IF(total_alarm_count > {t.MANY_ALARMS}, {t.CRITICAL}D, {floors})",
            "indicator_risk": rounded(f"least(1D, {indicator})"),
            "confidence": rounded(f"greatest({t.LEAST_CONFIDENCE}D, least(1D, 1 - 0.5D * abs(rule_risk - status_risk)))")}


def risk() -> dict[str, str]:
    """The risk of a reading."""
    return {"risk_score": "greatest(least(base_risk, 1D), floor_risk)"}


def words() -> dict[str, str]:
    """What a reading's scores are called, and what is odd about it."""
    levels = " ".join(f"WHEN {rounded('risk_score')} >= {cut} THEN '{level}'" for level, cut in reversed(t.LEAST_RISK.items()))
    outside = ", ".join(f"IF(`{name}` NOT BETWEEN {low} AND {high}, '{name}', NULL)" for name, (low, high) in RANGES.items())
    return {"risk_level": f"CASE {levels} ELSE '{CONTRACT.levels[0]}' END",
            "alert_type": by_rank([f"'{name}'" for name in scoring.TYPE_OF_RANK]), "invalid_fields": f"concat_ws(',', {outside})",
            "warnings": "IF(verify_status != status_bits, concat('verify_status ', verify_status, ' differs from status_bits ', "
                        "status_bits), '')"}


def decode(messages: DataFrame, arrived_ms: int) -> DataFrame:
    """Adds the columns of a reading and the reason for refusing it to messages."""
    fields = {"device_id": "m.deviceId", "site_id": "nullif(m.siteId, '')", "idx": "m.idx", **MEASURED, "event_ms": EVENT_MS}
    rows = messages.selectExpr("value", f"{PARSED} AS m")
    rows = _adding(rows, fields | {"status": f"least(greatest(coalesce({MEASURED['status_bits']}, 0), 0), {LARGEST})"})
    rows = _adding(rows, {"reason": reason(arrived_ms)} | basis())
    for stage in (partial_scores(), base_scores(), risk(), words(), {"is_valid": "invalid_fields = ''"}):
        rows = _adding(rows, stage)
    return rows.drop("m", "status", "alarms", "bit_risk", "watts", "ohms", "leakage", "worst")


def _adding(rows: DataFrame, columns: dict[str, str]) -> DataFrame:
    return rows.selectExpr("*", *(f"{expression} AS `{name}`" for name, expression in columns.items()))


if __name__ == "__main__":
    spark.main(decode)
