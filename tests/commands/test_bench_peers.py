"""`./fire bench --peers`: the same work elsewhere, its cost, and when a comparison is void."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from commands.bench import bars, peers, telemetry
from commands.bench.peers import COUNTED, FILES, Result, Run
from commands.cli import main

W1 = Result("W1", [30.0, 33.0, 31.0])


@pytest.fixture
def given(tmp_path: Path) -> telemetry.Telemetry:
    """A short input with malformed messages and duplicates, split as the peers read it."""
    made = telemetry.make(tmp_path / "telemetry.jsonl", 12_000, 10)
    peers.split(made.file, made.messages, tmp_path / "whole", tmp_path / "half")
    return made


def test_plain_loop_writes_what_w1_writes(given: telemetry.Telemetry) -> None:
    run = peers.run_once("loop", Path(sys.executable), given)
    assert not run.failures and given.expected["dead_letters"] > 0
    assert run.rows == {name: given.expected[name] for name in COUNTED} | {"candidates": given.expected[telemetry.OF_READINGS]}
    assert not (given.file.parent / "out").exists()


def test_peers_read_every_message_once_in_files_that_are_in_order_of_age(given: telemetry.Telemetry) -> None:
    parts = sorted((given.file.parent / "whole").iterdir())
    assert b"".join(part.read_bytes() for part in parts) == given.file.read_bytes() and len(parts) == FILES
    ages = [part.stat().st_mtime_ns for part in parts]
    assert ages == sorted(set(ages)) and ages[0] == given.file.stat().st_mtime_ns
    assert [part.name for part in sorted((given.file.parent / "half").iterdir())] == [part.name for part in parts[:FILES // 2]]


def test_cost_is_that_of_the_second_half() -> None:
    assert Run(2_000_000, half=40.0, whole=65.0, rows={}).per_million == pytest.approx(25.0)


def test_an_input_too_short_to_tell_its_halves_apart_is_void() -> None:
    assert not Run(1000, half=2.0, whole=2.1, rows={}).problems({})
    assert Run(1000, half=2.1, whole=2.0, rows={}).problems({}) == [
        "all messages took no more than half of them; raise --messages"]


def test_a_peer_that_fails_is_void_and_says_why(given: telemetry.Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(peers.PEERS, "absent", "no such peer")
    result = peers._measured("absent", Path(sys.executable), given, 1)
    assert "run 1: absent ended with exit code 1" in result.problems[0] and "No module named" in result.problems[0]


def test_a_peer_with_other_rows_is_void(given: telemetry.Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {name: given.expected[name] for name in COUNTED} | {"readings": 1}
    monkeypatch.setattr(peers, "run_once", lambda *_: Run(given.messages, 1.0, 2.0, rows))
    [problem] = peers._measured("loop", Path(sys.executable), given, 1).problems
    assert problem.startswith("run 1: readings has 1 rows and must have ")


def test_peers_are_compared_by_the_ratio_of_medians_and_a_void_one_gives_no_figure() -> None:
    lines = dict(peers.figures([W1, Result("loop", [15.0, 15.5, 16.0]), Result("wrong", [1.0], ["run 1: readings differ"])]))
    assert lines["loop"] == "15.5 CPU-s per million messages (15.0, 15.5, 16.0); W1 on Flink costs 2.00 times as much"
    assert lines["wrong"] == "VOID: run 1: readings differ"


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["run 1: readings differ"], 1)])
def test_a_void_peer_fails_the_command(problems: list[str], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peers, "measure", lambda *_: [W1, Result("loop", [15.0], problems)])
    assert main(["bench", "--peers", "--messages", "1000", "--plot", str(tmp_path / "peers.svg")]) == code
    assert ("void" in (tmp_path / "peers.svg").read_text()) == bool(problems)


def test_bars_are_as_long_as_the_medians_and_mark_every_run() -> None:
    drawing = ET.fromstring(bars.draw([W1, Result("loop", [15.0, 15.5, 16.5])]))
    [own, loop] = [group for group in drawing if group.tag.endswith("}g")]
    lengths = [float(part.attrib["width"]) for group in (own, loop) for part in group if part.tag.endswith("rect")]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=0.2)
    assert sum(part.tag.endswith("path") for part in loop) == 3
    assert [part.text for part in loop if part.tag.endswith("text")] == ["loop", "15.5; own / this: 2.00"]


def test_unreachable_packages_are_a_sentence_with_the_end_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wanted.txt").write_text("--no-index\nabsent-package==1 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(peers, "REQUIREMENTS", tmp_path / "wanted.txt")
    with pytest.raises(peers.PeersError, match=r"(?s)could not be installed.*absent-package.*Remedy: check the network"):
        peers.install(tmp_path)
