"""The tables of docs/semantics.md, and the figures in its sentences, are those of the code and of the SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from commands.replay import records
from contract import identifiers
from contract.declared import CONTRACT
from core.installation import ROOT
from core.settings import Settings
from jobs import detect
from udfs.alerts import lifecycle, process, state
from udfs.readings import decode, event_time, parsing, plausibility, scoring, thresholds

PAGE = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
SENTENCES = " ".join(PAGE.split())
T = SimpleNamespace(**vars(scoring) | vars(thresholds))
"""Every threshold and vocabulary of the scoring by its name."""
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
Row = tuple[str, ...]


def section(heading: str) -> str:
    """Returns the text below a heading, up to the next heading."""
    return re.split(r"^#+ ", PAGE.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(heading: str) -> list[Row]:
    """Returns the rows of a section's table."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


def code(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


def sql(view: str) -> str:
    """Returns the statement that declares a view, as the detect job executes it."""
    [found] = (statement.sql for statement in detect.script(Settings()).declarations if statement.view == view)
    return found


def interval(view: str, after: str) -> int:
    """Returns the number of the interval that follows some words in a view's statement."""
    [number] = re.findall(rf"{after} INTERVAL '(\d+)' (?:SECOND|MINUTE)", sql(view))
    return int(number)


def hop(view: str) -> str:
    """Describes the hopping window of a view as `60 min, every 5 min`."""
    [(step, size)] = re.findall(r"HOP\(.*INTERVAL '(\d+)' MINUTE, INTERVAL '(\d+)' MINUTE\)", sql(view))
    return f"{size} min, every {step} min"


def tumble(view: str, unit: str) -> int:
    [size] = re.findall(rf"TUMBLE\(.*INTERVAL '(\d+)' {unit}\)", sql(view))
    return int(size)


def test_fields_are_those_that_the_decoder_reads() -> None:
    spelled = {cells[0]: cells[1] for cells in rows("Fields")}
    assert {code(field): code(*spellings) for field, spellings in (decode.MEASUREMENTS | decode.COUNTS).items()} == {
        field: spelling for field, spelling in spelled.items()
        if field not in map(code, ("device_id", "idx", "event_time", "site_id", "verify_status"))}


def test_limits_of_a_message_are_those_of_the_decoder() -> None:
    assert rows("Refused messages") == [
        ("longest `deviceId` and `siteId`", f"{identifiers.LONGEST_BYTES} bytes in UTF-8"),
        ("largest whole number", str(parsing.LARGEST_EXACT)),
    ]


def ranges(of: dict[str, tuple[float, float]]) -> list[Row]:
    return [(code(name), f"{low:g}", f"{high:g}") for name, (low, high) in of.items()]


def test_ranges_are_those_of_the_scoring() -> None:
    assert rows("Ranges") == ranges(T.RANGES)


def test_impossible_values_are_those_of_the_decoder() -> None:
    assert rows("Impossible values") == [
        (code(name), f"{lowest:g}", "" if math.isinf(highest) else f"{highest:g}", ", ".join(f"{error:g}" for error in errors))
        for name, ((lowest, highest), errors) in plausibility.POSSIBLE.items()]


def said_of_messages() -> Iterable[str]:
    yield f"in capital or small letters: {', '.join(f'`{text}`' for text in sorted(plausibility.NO_VALUE))}."
    yield f"a `power` above {T.MOST_POWER_KW:g} kW"
    yield f"`FIRE_OLDEST_DAYS` ({Settings().oldest_days}; 0: any) days before its arrival"
    yield f"before {event_time.to_iso(np.array([T.EARLIEST_MS]))[0][:4]}, which includes epoch seconds"
    leap = records.LEAP_MS // MINUTE_MS
    yield (f"leaps more than {leap} minutes ahead of all lines before it, unless at least half of the {records.LINES_BEHIND} "
           f"lines behind it are at most {leap} minutes behind it")
    yield f"an offset beyond ±{event_time.LARGEST_OFFSET // timedelta(hours=1)}:00"


def test_normal_ranges_are_those_of_the_patterns() -> None:
    assert rows("device_patterns") == ranges(T.NORMAL_RANGES)


def test_alarm_bits_and_weights_are_those_of_the_scoring() -> None:
    weights = zip(T.ALARM_BITS, T.ALARM_WEIGHTS, strict=True)
    assert rows("Alarm bits") == [(str(bit), code(name), f"{weight:g}") for bit, (name, weight) in enumerate(weights)]


def test_rule_risk_is_that_of_the_scoring() -> None:
    (hot, hot_points), (warm, warm_points), (mild, mild_points) = T.HEAT_POINTS
    points = {name: f"{value:g}" for name, value in T.RULE_POINTS.items()}
    assert rows("Rule risk") == [
        (f"T above {hot:g} °C", f"{hot_points:g}"),
        (f"else T above {warm:g} °C", f"{warm_points:g}"),
        (f"else T above {mild:g} °C", f"{mild_points:g}"),
        (f"`voltage` above {T.VOLTAGE_HIGH_V:g} V†, or `voltage_low` below {T.VOLTAGE_LOW_V:g} V†", points["voltage"]),
        (f"`current` above {T.CURRENT_HIGH_A:g} A†", points["current"]),
        (f"`leakage_current` or `resistive_leakage` above {T.LEAKAGE_WARN_MA:g} mA†", points["leakage"]),
        (f"each arc, at most {T.MOST_ARC_POINTS:g} together", f"{T.ARC_POINTS:g}"),
        (f"`co_gas` above {T.CO_WARN_PPM:g} ppm†", points["co_gas"]),
        (f"`voc` above {T.VOC_WARN:g} µg/m³†", points["voc"]),
        (f"`power_factor` below {T.POWER_FACTOR_LOW:g}†", points["power_factor"]),
    ]


def test_pattern_risk_is_that_of_the_scoring() -> None:
    (high, high_points), (low, low_points) = T.IMBALANCE_POINTS
    least, most = T.RESISTANCE_OHM
    assert rows("Pattern risk") == [
        (f"`pcb_temperature` and `sensor_temperature` differ by more than {high:g} °C", f"{high_points:g}"),
        (f"else by more than {low:g} °C", f"{low_points:g}"),
        (f"V·I·pf and `power` (in W) differ by more than {T.POWER_MISMATCH_SHARE:g} · V·I·pf", f"{T.CONTRADICTION_POINTS:g}"),
        (f"`current` above {T.LOADED_A:g} A and V/I outside {least:g}–{most:g} Ω", f"{T.CONTRADICTION_POINTS:g}"),
    ]


def bits(alert_type: str, floor: float) -> str:
    """Describes the alarm bits of an alert type that have a floor: `bit `a` or `b``; empty if there are none."""
    names = [name for name, risk in T.ALARM_FLOORS.items() if risk == floor and T.TYPE_OF_ALARM[name] == alert_type]
    return " or ".join(map(code, names)) and f"bit {' or '.join(map(code, names))}"


def test_floors_are_those_of_the_scoring() -> None:
    measured = {
        (T.TEMPERATURE, T.CRITICAL): f"T above {T.BURNING_C:g} °C", (T.TEMPERATURE, T.HIGH): f"T above {T.HOT_C:g} °C",
        (T.ARCS, T.HIGH): f"more than {T.MANY_ARCS} arcs in the reading",
        (T.LEAKAGE, T.CRITICAL): f"either leakage at least {T.LEAKAGE_FIRE_MA:g} mA (it can ignite: IEC 60364-4-42)",
        (T.LEAKAGE, T.HIGH): f"either leakage at least {T.LEAKAGE_PERSON_MA:g} mA",
        (T.GAS, T.CRITICAL): f"`co_gas` at least {T.CO_ALARM_PPM:g} ppm (EN 50291: alarm within 3 min), `co_gas` above "
                             f"{T.CO_WITH_VOC_PPM:g} ppm and `voc` above {T.VOC_WITH_CO:g} µg/m³",
        (T.OVERVOLTAGE, T.HIGH): f"`voltage` above {T.VOLTAGE_HAZARD_SHARE:g} times the nominal voltage† "
                                 "(a lost neutral; EN 50550 trips here)",
    }  # fmt: skip
    floors = (T.CRITICAL, T.HIGH, T.MEDIUM)
    said = [tuple(cell.replace(" (the device's arc detector has decided: IEC 62606)", "") for cell in row)
            for row in rows("Floor risk")]
    assert said == [
        (code(name), *(", ".join(filter(None, [measured.get((name, floor), ""), bits(name, floor)])) for floor in floors))
        for name in T.ALERT_TYPES[:-1]]
    assert f"at least {T.CRITICAL:g} with more than {T.MANY_ALARMS} alarm bits" in SENTENCES


def test_levels_are_those_of_the_scoring() -> None:
    cuts = zip(T.LEVELS, (0, *T.LEVEL_CUTS), strict=True)
    assert rows("Risk score and level") == [(level, f"{cut:g}") for level, cut in reversed(list(cuts))]


def test_alert_types_without_a_floor_are_those_of_the_scoring_in_their_order() -> None:
    applies = {T.ARCS: "any arc", T.LEAKAGE: f"either leakage above {T.LEAKAGE_WARN_MA:g} mA†",
               T.GAS: f"CO above {T.CO_WARN_PPM:g} ppm†, or VOC above {T.VOC_WARN:g} µg/m³†",
               T.OVERVOLTAGE: f"`voltage` above {T.VOLTAGE_HIGH_V:g} V†",
               T.OVERCURRENT: f"`current` above {T.CURRENT_HIGH_A:g} A†"}
    assert rows("Alert type") == [(code(name), applies[name]) for name in T.ALERT_TYPES if name in applies]


def test_context_is_that_of_the_scoring() -> None:
    assert rows("Scores with context") == [
        (f"the least-squares slope of the minutes' mean T is above {T.CONTEXT_SLOPE_C:g} °C/min", f"{T.CONTEXT_SLOPE_RAISE:g}"),
        (f"more than {T.CONTEXT_ARCS} arcs in the hour", f"{T.CONTEXT_ARCS_RAISE:g}"),
        (f"the mean `indicator_risk` of the hour's readings is above {T.CONTEXT_INDICATOR:g}", f"{T.CONTEXT_INDICATOR_RAISE:g}"),
    ]


def test_windows_are_those_of_the_sql() -> None:
    ten, hour = (interval(view, "RANGE BETWEEN") + 1 for view in ("minute_findings", "minute_history"))
    slices = tumble("temperature_slices", "SECOND")
    rise, kept = (slices * int(number) for number in re.findall(r"(?:rise|kept)_slices => (\d+)", sql("rising_slices")))
    assert dict(row[:2] for row in rows("Windows")) == {
        "`device_minutes`": f"{tumble('minutes', 'MINUTE')} min",
        "`device_5min_aggregates`": f"{tumble('device_5min_aggregates', 'MINUTE')} min",
        "`temperature_rises`": f"{rise} s, every {tumble('temperature_minutes', 'SECOND')} s",
        "`early_heat`": f"{rise} s, every {slices} s; noise over {kept // 60} min",
        "`temperature_anomalies`": f"the {hour} min that end with the minute",
        "`co_exposure`": f"the {ten} min and the {hour} min that end with the minute",
        "`risk_spikes`": f"two consecutive minutes, at most {interval('minute_changes', 'RANGE BETWEEN')} min apart",
        "`arc_patterns`": hop("arc_patterns"),
        "`device_correlations`": hop("site_devices"),
        "`site_risk`": hop("site_devices"),
        "`device_patterns`": hop("pattern_windows"),
        "`lasting_hazards`": f"{tumble('minutes', 'MINUTE')} min, and the {hour} min that end with the minute",
    }


def test_every_result_of_the_detect_job_has_its_window() -> None:
    named = {name.strip("`") for name, *_ in rows("Windows")}
    assert named == set(detect.RESULTS) - {"readings", "dead_letters", "candidates"}


def test_figures_of_the_life_of_an_alert_are_those_of_the_alert_job() -> None:
    assert rows("The life of an alert") == [
        ("quiet minutes that clear an alert", str(lifecycle.QUIET_MINUTES)),
        ("reminders, every", f"{lifecycle.REMINDER_MS // MINUTE_MS} min"),
        ("reminders at this pace, before daily ones", str(state.FREQUENT_REMINDERS)),
        ("a subject without an open alert and without rows is forgotten after", f"{process.SETTLED_RETENTION_HOURS} h"),
        ("minutes, and candidates of a type, that are recognised when they come again", str(state.REMEMBERED)),
        ("grace of a timer for rows that are on their way", f"{process.GRACE_MS // MINUTE_MS} min"),
        ("digits of `alert_id`", str(lifecycle.ID_LENGTH)),
    ]


def watched(view: str) -> int:
    """Returns the number of minutes after which a subject without a hazard is no longer watched."""
    [before] = re.findall(r"ROWS BETWEEN (\d+) PRECEDING AND CURRENT ROW", sql(view))
    return int(before) + 1


def pause() -> int:
    """Returns the minutes without readings after which a device is watched again."""
    [seconds] = re.findall(r"minute_end\) >= (\d+) THEN", sql("watched_minutes"))
    return int(seconds) // 60


def said_of_scores() -> Iterable[str]:
    heat = ", ".join(f"{points:g} above {limit:g} °C" for limit, points in T.HEAT_SCORES)
    yield f"`temperature_score` is {heat}, else {T.LEAST_HEAT_SCORE:g}, and NULL without a temperature."
    yield (f"`gas_score` = {T.GAS_POINTS['co_gas']:g} for CO above {T.CO_WARN_PPM:g} ppm† + {T.GAS_POINTS['voc']:g} for VOC "
           f"above {T.VOC_WARN:g} µg/m³†.")
    bits = " + ".join(f"{points:g} for `{name}`" for name, points in T.ELECTRICAL_POINTS.items()).replace("for", "for the bit", 1)
    yield f"`electrical_score` = {bits} + min({T.MOST_ELECTRICAL_ARC_POINTS:g}, {T.ELECTRICAL_ARC_POINTS:g} ·"
    yield f"at least {T.LEAST_CONFIDENCE:g}."
    yield f"`indicator_risk` = min(1, {T.TEMPERATURE_WEIGHT:g} · temperature_score + electrical_score + gas_score)."
    yield f"`communication_error` is true from status {T.COMMUNICATION_ERROR} on."
    yield (f"plus {T.CROWDED_ALARM_POINTS:g} for each alarm beyond the {['', 'first', 'second', 'third'][T.CROWDED_ALARMS]}, "
           f"at most 1; with a communication error it is exactly {T.COMMUNICATION_ERROR_RISK:g}.")
    yield "`base_risk` = " + " + ".join(f"{weight:g} · `{name}`" for name, weight in T.BASE_WEIGHTS.items()) + "."
    yield f"rounded to {T.DECIMALS} decimals"
    yield (f"among the {interval('minute_history', 'RANGE BETWEEN') + 1} that end with it. With fewer than "
           f"{T.CONTEXT_LEAST_MINUTES} the modifier is 1.")
    yield f"the raises that apply, at most {T.CONTEXT_MOST:g}:"
    yield f"A status of {T.WITHOUT_ALARMS} or more is a communication error and nothing else"
    yield f"A temperature between {T.MILD_C:g} and {T.HOT_C:g} °C adds to the score, but is no hazard."


def said_of_windows() -> Iterable[str]:
    yield f"It is reported from {T.RISE_C:g} °C on"
    yield f"A temperature below −{-T.RISE_START_C:g} °C is no start of a rise"
    yield (f"The rise is the highest T of the newest {T.SLICE_SECONDS} s minus the lowest T of the {T.RISE_SECONDS} s. It is "
           f"reported where it has reached {T.EARLY_C:g} °C and {T.EARLY_NOISES:g} times the device's noise")
    yield (f"of neighbouring {T.SLICE_SECONDS} s of the last {T.NOISE_MINUTES} min, at least {T.NOISE_LEAST_C:g} °C")
    yield f"at least {T.EARLY_LEAST_SLICES} of these slices"
    yield f"has a `floor_risk` of at least {T.MEDIUM:g} and none of at least {T.HIGH:g}"
    yield f"{T.TRIP_SHARE:g} times the rated one"
    yield (f"hour is above {T.NO_TRIP_SHARE:g} times, which a breaker carries for an hour, with at least {T.NO_TRIP_MINUTES} "
           "minutes present")
    yield f"within {T.RISE_SECONDS} s, else MEDIUM"
    yield f"is above {T.ANOMALY_C:g} °C and above mean + {T.ANOMALY_SIGMAS:g} · sample standard deviation of T"
    yield f"of the last 10 min is at least {T.CO_10MIN_PPM:g} ppm with at least {T.CO_10MIN_MINUTES} minutes present"
    yield f"of the last 60 min is at least {T.CO_60MIN_PPM:g} ppm with at least {T.CO_60MIN_MINUTES} minutes present"
    yield f"that of the previous minute with readings by more than {T.SPIKE:g}."
    yield f"HIGH_FREQUENCY above {T.FREQUENT_ARCS} arcs in the window, MODERATE above {T.MODERATE_ARCS}, else LOW"
    yield (f"devices at risk at least {T.HIGH:g}, `site_risk` = max(mean risk, highest risk · min(1, {T.SITE_SHARE:g} + "
           f"{T.SITE_SHARE_PER_DEVICE:g} · *n*))")
    yield f"each device whose risk is above {T.PAIR_RISK:g} is compared with every other device"
    yield (f"Where more than {T.PAIRED_DEVICES} devices are above it, the {T.PAIRED_DEVICES} riskiest are compared, which bounds "
           f"the result to {T.PAIRED_DEVICES} pairs per device")
    yield (f"both risks are above {T.CLUSTER_RISK:g}, else TEMP_DIVERGENCE where the highest T differ by more than "
           f"{T.DIVERGENCE_C:g} °C")


def said_of_patterns() -> Iterable[str]:
    yield f"Needs at least {T.PATTERN_LEAST_MINUTES} minutes with readings."
    yield ", ".join(f"{name} above {share:g}" for share, name in T.ARC_SHARES) + ", else NO_ARCS"
    yield f"if its magnitude is above {T.PERIODIC_FACTOR:g} times the mean magnitude"
    yield f"where it changes by more than {T.SPIKE:g} between minutes"
    yield f"where the last {T.SUSTAINED_MINUTES} minutes are all above {T.CLUSTER_RISK:g}"
    yield f"RISING above {T.CONTEXT_SLOPE_C:g} °C/min, FALLING below −{T.CONTEXT_SLOPE_C:g} °C/min"


def said_of_candidates() -> Iterable[str]:
    yield f"a minute of risk at least {T.HIGH:g} none of whose readings reached it"
    yield f"a temperature anomaly above {T.ANOMALY_CRITICAL_C:g} °C"
    yield f"a risk spike of more than {T.SPIKE_CRITICAL:g} |"
    yield (f"`site_risk` at least {T.HIGH:g} and at least {T.SITE_DEVICES} devices at risk at least {T.HIGH:g}, or with at least "
           f"{T.SITE_DEVICES} devices above {T.CLUSTER_RISK:g} | HIGH, CRITICAL from {T.CRITICAL:g} |")
    yield (f"more than {T.FREQUENT_ARCS} arcs in the {interval('minute_findings', 'RANGE BETWEEN') + 1} minutes that end with "
           "a minute")
    yield f"a clock more than {T.CLOCK_WRONG_S:g} s wrong in every reading of {T.CLOCK_MINUTES} minutes in a row"
    yield f"no reading for {T.SILENCE_MINUTES} min while others report"
    assert T.SILENT_SHARE == 0.5
    yield f"at least {T.SILENT_DEVICES} devices of a site, and at least half of its devices, fall silent"
    yield f"those with readings in the {T.SITE_SILENCE_MINUTES} minutes that end with the verdict"
    yield f"`SITE_CLUSTER` the {T.CLUSTER_NAMES} riskiest of those at risk at least {T.HIGH:g}, `SITE_SILENT` the"
    yield f"first {T.SILENT_NAMES} in the order of texts; the message lists {T.CLUSTER_NAMES}"
    yield (f"one of its last {watched('watched_minutes')} minutes with readings was remarkable, was its first, or came after a "
           f"pause of at least {pause()} min.")
    yield f"sent for {watched('watched_sites')} minutes from a hazard on"
    yield f"**REMINDED** every {lifecycle.REMINDER_MS // MINUTE_MS} minutes"
    yield f"**CLEARED** after {lifecycle.QUIET_MINUTES} minutes with readings in a row"
    yield f"A pause of more than {lifecycle.SILENCE_MS // MINUTE_MS} min between two of them"


DESCRIPTIONS = {
    "TEMPERATURE_CRITICAL": f"above {T.HOT_C:g} °C", "ELECTRICAL_LEAKAGE": f"above {T.LEAKAGE_WARN_MA:g} mA",
    "OVERVOLTAGE": f"above {T.VOLTAGE_HIGH_V:g} V", "OVERCURRENT": f"above {T.CURRENT_HIGH_A:g} A",
    "GAS_DETECTION": f"CO above {T.CO_WARN_PPM:g} ppm, or VOC above {T.VOC_WARN:g} µg/m³",
    "TEMPERATURE_RISE": f"at least {T.RISE_C:g} °C within a minute", "TEMPERATURE_ANOMALY": f"above {T.ANOMALY_CRITICAL_C:g} °C",
    "RISK_SPIKE": f"by more than {T.SPIKE_CRITICAL:g} from",
    "CO_EXPOSURE": f"{T.CO_10MIN_PPM:g} ppm over {T.RECENT_MINUTES} minutes, or {T.CO_60MIN_PPM:g} ppm over an hour",
    "ARC_MAINTENANCE": f"more than {T.FREQUENT_ARCS} arcs in {T.RECENT_MINUTES} minutes",
    "DEVICE_CLOCK": f"more than {T.CLOCK_WRONG_S:g} s wrong for {T.CLOCK_MINUTES} minutes",
    "DEVICE_SILENT": f"for {T.SILENCE_MINUTES} minutes", "SITE_SILENT": f"at least {T.SILENT_DEVICES} devices",
    "risk_spikes": f"more than {T.SPIKE:g} above", "temperature_rises": f"{T.STEP_SECONDS} s are at least {T.RISE_C:g} °C above",
    "early_heat": f"{T.SLICE_SECONDS} s are at least {T.EARLY_C:g} °C above its lowest temperature, and {T.EARLY_NOISES:g} times",
    "EARLY_HEAT": f"at least every {T.SLICE_SECONDS} s and whose temperature rises by {T.EARLY_C:g} °C within a minute",
    "temperature_anomalies": f"above {T.ANOMALY_C:g} °C and above its hour's mean plus {T.ANOMALY_SIGMAS:g} sample standard",
}  # fmt: skip
"""Alert type or result → what its description in the contract must contain."""


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_descriptions_in_the_contract_have_the_figures_of_the_code(name: str) -> None:
    described = {each.name: each.raised_by for each in CONTRACT.alert_types}
    described |= {each.name: each.title for each in CONTRACT.results}
    assert DESCRIPTIONS[name] in described[name]


@pytest.mark.parametrize("said", [said_of_messages, said_of_scores, said_of_windows, said_of_patterns, said_of_candidates])
def test_sentences_have_the_figures_of_the_code(said: Callable[[], Iterable[str]]) -> None:
    assert [sentence for sentence in said() if sentence not in SENTENCES] == []
