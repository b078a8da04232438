"""Messages of a hostile device are refused in time that grows linearly with their length, and delay no other message."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commands.replay.replay import local_configuration
from contract.declared import CONTRACT
from contract.topics import LARGEST_BATCH
from core.installation import ROOT
from core.settings import Settings
from jobs import store
from jobs.flink.environment import table_environment
from jobs.flink.sql_files import SQL, message_time
from udfs import dead_letters
from udfs.alerts.candidates import decode
from udfs.alerts.fields import CandidateError
from udfs.alerts.lifecycle import advance
from udfs.alerts.state import State
from udfs.readings import decode as telemetry
from udfs.readings import parsing

LENGTH = 5_000
SOON_SECONDS = 0.005
"""Ten times what a linear pattern needs for `2 * LENGTH` characters; one that takes longer is compared with half the length."""
MOST_OF_TWICE = 3.0
"""The factor by which a text of twice the length may take longer; a quadratic pattern takes four times as long."""
TRIALS = 7
PREFIXES = ("", "1", ".", '"', "{", '"a"', '{"timestamp"', '{"timestamp":', "1e", "2025-10-09T", "[[")
PUMPS = ("1", " ", "a", "A", ".", "+", "=", '"', "\\", "[", "{", "é", "\n", "0.", "1e", '"a":', '"timestamp"', '"timestamp": ',
         '"timestamp":1 ', "\x00", "/", "${a", "+01")
SUFFIXES = ("", "x", "!", '"')


@dataclass(frozen=True)
class Use:
    """A pattern of the code, applied by `fullmatch` or `search`."""

    pattern: str | bytes
    method: str

    def run(self, text: str) -> None:
        """Applies the pattern to a text."""
        subject = text.encode() if isinstance(self.pattern, bytes) else text
        compiled: Any = re.compile(self.pattern)
        if self.method == "sub":
            compiled.sub(b"" if isinstance(self.pattern, bytes) else "", subject)
        elif self.method in ("findall", "finditer", "split"):
            compiled.findall(subject)
        else:
            getattr(compiled, self.method)(subject)


def attacks(length: int) -> Iterator[tuple[str, ...]]:
    """Yields the parts of attacking texts: beginnings, repeated parts and ends."""
    for prefix in PREFIXES:
        for pump in PUMPS:
            for suffix in SUFFIXES:
                yield prefix, pump * (length // len(pump)), suffix


Clock = Callable[[], float]


def seconds(work: Callable[[str], object], text: str, clock: Clock, trials: int = 1) -> float:
    """Returns the least processor time of several trials, to which other work on the machine adds nothing."""
    def trial() -> float:
        begun = clock()
        work(text)
        return clock() - begun

    return min(trial() for _ in range(trials))


def is_linear(work: Callable[[str], object], once: str, twice: str, soon: float = SOON_SECONDS, clock: Clock = time.thread_time
              ) -> bool:
    """Checks that a text of twice the length takes about twice as long, or too little time to measure."""
    if seconds(work, twice, clock) <= soon:
        return True
    best = seconds(work, twice, clock, TRIALS)
    return best <= soon or best <= MOST_OF_TWICE * seconds(work, once, clock, TRIALS)


def slow_attack(work: Callable[[str], object], length: int = LENGTH, soon: float = SOON_SECONDS, clock: Clock = time.thread_time
                ) -> str | None:
    """Returns the beginning of the first attack that takes more than linear time; None if all are linear."""
    for prefix, pumped, suffix in attacks(length):
        if not is_linear(work, prefix + pumped + suffix, prefix + pumped * 2 + suffix, soon, clock):
            return f"{prefix}{pumped[:20]}… and then {suffix!r}"
    return None


def python_patterns() -> list[Use]:
    """Yields every pattern that the project's Python compiles, once for each way in which it is applied."""
    sources = {file: file.read_text(encoding="utf-8") for file in sorted(ROOT.rglob("*.py"))
               if not {"tests", ".fire", "examples"} & set(file.relative_to(ROOT).parts)}
    everything = "\n".join(sources.values())
    return list(dict.fromkeys(use for source in sources.values() for use in uses(ast.parse(source), everything)))


def uses(tree: ast.Module, everything: str) -> Iterator[Use]:
    names = {id(node.value): target.id for node in ast.walk(tree) if isinstance(node, ast.Assign)
             for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("re"), attr=method), args=[ast.Constant(pattern), *_]):
                if method != "compile":
                    yield Use(pattern, method)
                    continue
                applied = set(re.findall(rf"\b{names.get(id(node), '-')}\.(\w+)\(", everything))
                for each in sorted(applied & {"match", "search", "sub", "findall", "finditer", "split"} | {"fullmatch"}):
                    yield Use(pattern, each)


@pytest.mark.parametrize("use", python_patterns(), ids=lambda use: f"{use.method}-{use.pattern[:40]!r}")
def test_no_pattern_of_the_code_takes_more_than_linear_time(use: Use) -> None:
    assert slow_attack(use.run) is None


def test_the_patterns_applied_to_device_bytes_are_among_those_tested() -> None:
    found = {use.pattern for use in python_patterns()}
    assert {telemetry.NUMERIC_TEXT.pattern, parsing.LAST_KEY.pattern, parsing.STRING_OR_NAN.pattern,
            telemetry.CONTROL_CHARACTER.pattern} <= found
    assert parsing.LAST_KEY.pattern in {use.pattern for use in python_patterns() if use.method == "search"}


def java_patterns() -> list[str]:
    """Returns every pattern that Flink applies: those of the SQL files, of the contract and of the store job."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(SQL.rglob("*.sql"))]
    literals = {literal for text in texts if "REGEXP" in text for literal in re.findall(r"'([^'\n]*)'", text)}
    patterns = {literal for literal in literals if re.search(r"\\[dszA]|\[\^?[^\]]+\][*+{]", literal)}
    declared = {column.pattern for result in CONTRACT.results for column in result.columns if column.pattern}
    return sorted(patterns | declared | set(store.PATTERNS.values()))


def test_the_patterns_of_the_event_time_are_among_those_tested() -> None:
    assert sum('"timestamp"' in pattern for pattern in java_patterns()) == 4
    assert sum(pattern in message_time() for pattern in java_patterns()) == 10


@pytest.fixture(scope="module")
def jvm() -> Any:
    from pyflink.java_gateway import get_gateway

    local_configuration()
    return get_gateway().jvm


@pytest.mark.parametrize("pattern", java_patterns())
def test_no_pattern_of_the_sql_takes_more_than_linear_time_in_java(pattern: str, jvm: Any) -> None:
    compiled = jvm.java.util.regex.Pattern.compile(pattern)
    threads = jvm.java.lang.management.ManagementFactory.getThreadMXBean()

    def clock() -> float:
        return float(threads.getCurrentThreadCpuTime()) / 1e9

    assert slow_attack(lambda text: compiled.matcher(text).find(), length=30_000, soon=0.2, clock=clock) is None


GOOD: dict[str, Any] = {"deviceId": "dev-1", "idx": 7, "status": 0, "volt": 220.0, "timestamp": 1_760_000_400_000}
FIELDS = ("deviceId", "siteId", "topicDeviceId", "idx", "timestamp", "status", "aArc", "verifySts",
          *(name for names in telemetry.MEASUREMENTS.values() for name in names))
LONG = [("1", "x"), (" ", "1"), ("1", " 1"), (".", ""), ("0.", "1"), ("1e", ""), ("1", ""), ("é", "")]


@pytest.mark.parametrize("field", FIELDS)
def test_a_long_text_in_any_field_is_refused_in_linear_time_with_a_short_reason(field: str) -> None:
    for pump, suffix in LONG:
        def refusal(text: str) -> Any:
            return telemetry.read([json.dumps(GOOD | {field: text}, ensure_ascii=False).encode()]).reason[0]

        once, twice = pump * (LENGTH // len(pump)) + suffix, pump * (2 * LENGTH // len(pump)) + suffix
        assert is_linear(refusal, once, twice, soon=0.05), (field, pump)
        assert len(refusal(pump * LARGEST_BATCH + suffix)) <= dead_letters.LONGEST_REASON


@pytest.mark.parametrize("field", [*FIELDS, "unknown"])
@pytest.mark.parametrize("depth", [10, 900, 990, 1010, 5_000])
def test_a_deeply_nested_value_in_any_field_raises_no_error(field: str, depth: int) -> None:
    raw = json.dumps(GOOD | {field: 0})
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        deep = raw.replace(f'"{field}": 0', f'"{field}": {opening * depth}1{closing * depth}')
        reason = telemetry.read([deep.encode()]).reason[0]
        assert reason or field == "unknown"
        assert len(reason or "") < dead_letters.LONGEST_REASON


@pytest.mark.parametrize("broken", [b'{"a":' * 200_000, b'{"volt":' + b" " * 500_000, b'{"volt"' + b" " * 500_000 + b"x",
                                    b'"' * 500_001, b'{"' + b"a" * 500_000, b"\xff" * 500_000])
def test_long_text_that_is_not_json_has_a_short_reason(broken: bytes) -> None:
    assert len(telemetry.read([broken]).reason[0]) < dead_letters.LONGEST_REASON


@pytest.mark.parametrize("depth", range(900, 1001, 4))
def test_a_deeply_nested_candidate_is_refused_and_stops_nothing(depth: int) -> None:
    for row in (f'{{"kind": {"[" * depth}{"]" * depth}}}', "[" * depth + "]" * depth):
        with pytest.raises(CandidateError):
            advance(State(), decode(row.encode()))


def test_deeply_nested_limits_of_a_candidate_are_refused() -> None:
    from tests.udfs.test_lifecycle import reading

    with pytest.raises(CandidateError, match="limits cannot be used"):
        advance(State(), reading(1, limits="[" * 1_900))


@pytest.mark.parametrize("field", ["subject", "site_id", "alert_type", "cause", "profile_version", "limits", "kind", "level",
                                   "event_time", "idx", "voltage"])
def test_a_long_text_in_a_candidate_is_refused_with_a_short_reason(field: str) -> None:
    from tests.udfs.test_lifecycle import reading

    with pytest.raises(CandidateError) as refused:
        advance(State(), reading(1) | {field: "x" * LARGEST_BATCH})
    assert field in str(refused.value) and len(str(refused.value)) < dead_letters.LONGEST_REASON


def test_a_huge_exponent_in_a_timestamp_delays_no_other_message(tmp_path: Path) -> None:
    """Computing the power of ten would take minutes for each of these exponents."""
    huge = [f'{{"timestamp":{quote}1{point}E{sign}99999999{quote}}}' for quote in ("", '"') for point in ("", ".5")
            for sign in ("", "+", "-")]
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join([*huge * 2, '{"timestamp":1}', f'{{"timestamp":{"1" * 500_000}}}']) + "\n", encoding="utf-8")
    t_env = table_environment(Settings(source="file"), "huge-exponents", local_configuration())
    t_env.execute_sql(f"""CREATE TEMPORARY TABLE messages (message BYTES)
                          WITH ('connector' = 'filesystem', 'path' = '{file}', 'format' = 'raw')""")
    t_env.execute_sql(f"""CREATE TEMPORARY TABLE times (event_ms BIGINT)
                          WITH ('connector' = 'filesystem', 'path' = '{tmp_path / "times"}', 'format' = 'csv')""")
    t_env.execute_sql(f"INSERT INTO times SELECT {message_time()} FROM messages").wait(60_000)
    read = [line for part in (tmp_path / "times").rglob("part-*") for line in part.read_text(encoding="utf-8").splitlines()]
    assert len(read) == len(huge) * 2 + 2 and sum(line == "1" for line in read) == 1
