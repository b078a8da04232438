"""Every figure by which readings, minutes, sites and silences are judged; formulas and SQL refer to them by name.

`docs/semantics.md` lists them with the formulas that use them. *Exceeded* means `>`, *reached* means `≥`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from contract.declared import CONTRACT

Steps: TypeAlias = tuple[tuple[float, float], ...]
"""Pairs of a limit and its points, the highest limit first: the first limit that is exceeded counts."""
Limits: TypeAlias = Mapping[str, Any]
"""The limits of a profile by name, each one number for all rows or a column with one number per row."""

DECIMALS = 6
"""Scores are rounded to this many decimals before a comparison, so that .1 + .2 + .3 is .6."""
LEVEL_CUTS = (0.2, 0.4, 0.6, 0.8)
"""The risk at which each level above NORMAL begins."""
MEDIUM, HIGH, CRITICAL = LEVEL_CUTS[1:]
LEAST_RISK = dict(zip(CONTRACT.levels[1:], LEVEL_CUTS, strict=True))
"""Level → the risk at which it begins."""

# One reading: its time.
EARLIEST_MS = 1_420_070_400_000
"""2015 in epoch milliseconds; an earlier time comes from a clock that restarted in 1970, 2000 or 2010, or is in seconds."""

# One reading: limits of its measurements.
NOMINAL_V = 220.0
HOT_C, WARM_C, MILD_C = 60.0, 50.0, 40.0
BURNING_C = 65.0
VOLTAGE_HIGH_V, VOLTAGE_LOW_V = 234.0, 190.0
VOLTAGE_HAZARD_SHARE = 1.2
"""Share of the nominal voltage that, exceeded, means a lost neutral: devices after EN 50550 trip here."""
CURRENT_HIGH_A = 100.0
LEAKAGE_WARN_MA, LEAKAGE_PERSON_MA, LEAKAGE_FIRE_MA = 8.0, 30.0, 300.0
"""300 mA can ignite: IEC 60364-4-42."""
CO_WARN_PPM, CO_WITH_VOC_PPM, CO_ALARM_PPM = 17.0, 25.0, 300.0
"""300 ppm must alarm within 3 minutes: EN 50291."""
VOC_WARN, VOC_WITH_CO = 400.0, 600.0
POWER_FACTOR_LOW = 0.9
MOST_POWER_KW = 500.0
"""A greater power, whatever its sign, is probably in watts; it is scored as it is."""
MANY_ARCS = 5
LIMITS: Limits = {"voltage_high": VOLTAGE_HIGH_V, "voltage_low": VOLTAGE_LOW_V, "current_high": CURRENT_HIGH_A,
                  "leakage_warn": LEAKAGE_WARN_MA, "co_warn": CO_WARN_PPM, "voc_warn": VOC_WARN,
                  "power_factor_low": POWER_FACTOR_LOW,
                  "voltage_hazard": round(VOLTAGE_HAZARD_SHARE * NOMINAL_V, DECIMALS)}
"""The limits that depend on a profile, with the figures of the default profile.

`voltage_hazard` follows from the nominal voltage alone; no profile changes another floor.
"""
POWER_MISMATCH_SHARE = 0.2
"""Share of V·I·pf by which the reported power may differ from it."""
LOADED_A = 0.1
"""The current above which voltage divided by current is judged as a resistance."""
RESISTANCE_OHM = (1.0, 1000.0)

# One reading: points and weights of its scores.
ALARM_WEIGHTS = (0.1, 0.15, 0.2, 0.25, 0.2, 0.1, 0.3, 0.3, 0.2, 0.15, 0.05, 0.25)
"""status_risk of each alarm bit, from bit 0."""
COMMUNICATION_ERROR_RISK = 0.8
CROWDED_ALARMS = 2
"""Each alarm beyond this number adds `CROWDED_ALARM_POINTS`."""
CROWDED_ALARM_POINTS = 0.1
MANY_ALARMS = 4
ALARM_FLOORS = {"pcb_temp_alarm": HIGH, "sensor_temp_alarm": HIGH, "arc_alarm": HIGH, "total_leakage": MEDIUM,
                "resistive_leakage": MEDIUM, "co_alarm": HIGH, "voc_alarm": MEDIUM, "overvoltage": MEDIUM,
                "overcurrent": MEDIUM, "power_outage": MEDIUM}
"""Alarm bit → the risk that it alone stands for; an arc detector has decided when it alarms: IEC 62606."""
HEAT_POINTS: Steps = ((HOT_C, 0.4), (WARM_C, 0.3), (MILD_C, 0.1))
"""rule_risk by temperature."""
RULE_POINTS = {"voltage": 0.15, "current": 0.2, "leakage": 0.25, "co_gas": 0.15, "voc": 0.1, "power_factor": 0.05}
ARC_POINTS, MOST_ARC_POINTS = 0.02, 0.2
IMBALANCE_POINTS: Steps = ((20.0, 0.15), (10.0, 0.05))
"""pattern_risk by the difference of the two temperatures, °C."""
CONTRADICTION_POINTS = 0.1
"""pattern_risk of a power that does not follow from voltage and current, and of an implausible resistance."""
BASE_WEIGHTS = {"rule_risk": 0.4, "status_risk": 0.3, "pattern_risk": 0.3}
HEAT_SCORES: Steps = ((HOT_C, 1.0), (WARM_C, 0.7), (MILD_C, 0.4))
LEAST_HEAT_SCORE = 0.1
"""temperature_score where no limit of `HEAT_SCORES` is exceeded."""
ELECTRICAL_POINTS = {"overvoltage": 0.15, "overcurrent": 0.2, "total_leakage": 0.25}
"""electrical_score by alarm bit."""
ELECTRICAL_ARC_POINTS, MOST_ELECTRICAL_ARC_POINTS = 0.05, 0.3
GAS_POINTS = {"co_gas": 0.2, "voc": 0.15}
TEMPERATURE_WEIGHT = 0.4
"""Weight of temperature_score in indicator_risk."""
LEAST_CONFIDENCE = 0.5

# Minutes and what they add up to.
SLICE_SECONDS, RISE_SECONDS = 10, 60
"""A rise is the highest temperature of the newest slice minus the lowest within RISE_SECONDS, a whole number of slices."""
RISE_C = 8.3
"""Rise of temperature within a minute, reached: 15 °F, the figure of rate-of-rise heat detectors (UL 521)."""
RISE_START_C = -10.0
"""A colder temperature is no start of a rise: the way back from a sensor's error is no fire."""
RECENT_MINUTES = 10
"""The short window over which carbon monoxide and arcs are judged."""
CO_10MIN_PPM, CO_60MIN_PPM, CO_10MIN_MINUTES, CO_60MIN_MINUTES = 100.0, 50.0, 9, 54
"""Means, reached, and the minutes with readings they need: 100 ppm alarms in 10 to 40 min, 50 ppm in 60 to 90 (EN 50291)."""
SPIKE, SPIKE_CRITICAL, SPIKE_GAP_MINUTES = 0.3, 0.5, 10
"""Change of risk, exceeded, from the previous minute with readings, which is at most SPIKE_GAP_MINUTES away."""
ANOMALY_C, ANOMALY_CRITICAL_C, ANOMALY_SIGMAS = 50.0, 65.0, 2.0
"""A minute's highest temperature, and its distance from the hour's mean in standard deviations, both exceeded."""
FREQUENT_ARCS, MODERATE_ARCS = 10, 5
"""Arcs within RECENT_MINUTES, exceeded."""
SILENCE_MINUTES = 5
CLOCK_WRONG_S, CLOCK_MINUTES = 30.0, 5
"""Seconds by which a clock is wrong, exceeded by every reading of so many minutes in a row: more than a slow delivery."""
CONTEXT_MINUTES, CONTEXT_LEAST_MINUTES = 60, 5
"""The hour that ends with a minute, and the minutes with readings it needs to change the minute's risk."""
CONTEXT_SLOPE_C, CONTEXT_ARCS, CONTEXT_INDICATOR = 0.1, 10, 0.6
"""Slope of the mean temperature (°C/min), number of arcs, mean indicator_risk; each raises the modifier where exceeded."""
CONTEXT_SLOPE_RAISE, CONTEXT_ARCS_RAISE, CONTEXT_INDICATOR_RAISE, CONTEXT_MOST = 0.2, 0.3, 0.1, 2.0
PATTERN_LEAST_MINUTES = 10
"""Minutes with readings that the patterns of an hour need."""
ARC_SHARES = ((0.5, "FREQUENT"), (0.2, "MODERATE"), (0.0, "SPORADIC"))
"""Share of minutes with arcs, exceeded, and the name of the pattern."""
PERIODIC_FACTOR = 2.0
"""A period counts where the peak of the spectrum exceeds this multiple of the mean magnitude."""
SUSTAINED_MINUTES = 3
"""Newest minutes that must all have high risk."""
NORMAL_RANGES = {"temperature": (20.0, 60.0), "voltage": (200.0, 250.0), "current": (0.0, 120.0), "co_gas": (0.0, 20.0),
                 "voc": (0.0, 500.0), "power_factor": (0.8, 1.0)}
"""Range of a healthy sensor's measurement, bounds included."""

# Sites.
SITE_DEVICES, CLUSTER_RISK, PAIR_RISK, DIVERGENCE_C = 2, 0.7, 0.5, 20.0
"""Devices of risk HIGH at a site, reached; the risk of both neighbours, of either one, and their difference in °C, exceeded."""
SITE_SHARE, SITE_SHARE_PER_DEVICE = 0.5, 0.25
"""Share of the highest risk that counts for the site, and what each device of risk HIGH adds to the share, at most 1."""
PAIRED_DEVICES = 20
"""The riskiest devices of a site that are compared with each other: at most 190 pairs per site and minute."""
