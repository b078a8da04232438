"""`./fire bench`: what it computes from samples, when a run is void, and what it knows about its own input."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import orjson
import pytest

from commands.bench import flink, marginal, plot, telemetry
from commands.bench.flink import WORKS, Measured, Run
from commands.bench.marginal import JIT, Sample
from commands.bench.meter import FLINK, GARBAGE, PARTS, Meter, part_of, thread_status
from commands.cli import main
from core.settings import Settings
from jobs import detect
from jobs.flink.sql_files import PipelineError

EXPECTED = {"readings": 980, "dead_letters": 10}


def samples(per_million: float, start: float = 30.0, jit: float = 20.0) -> list[Sample]:
    """A run of a million messages: a start, then a steady cost and pace, then a jump at the end; JIT is busy all the time."""
    steady = [Sample(step / 100, 10 + step / 2, cpu(start + per_million * step / 100, jit * step / 100)) for step in range(100)]
    return [Sample(0.0, 0.0, cpu(0.0, 0.0)), *steady, Sample(1.0, 70.0, cpu(start + per_million + 500.0, jit + 100.0))]


def cpu(net: float, jit: float) -> dict[str, float]:
    return dict.fromkeys(PARTS, 0.0) | {FLINK: 0.75 * net, GARBAGE: 0.25 * net, JIT: jit}


def run(per_million: float = 40.0, rows: dict[str, int] = EXPECTED, messages: int = 1_000_000) -> Run:
    taken = samples(per_million)
    return Run(messages, taken, taken[1], rows, (1.0, 2.0), 1.5)


def measured(*runs: Run) -> Measured:
    return Measured(WORKS["w1"], EXPECTED, runs)


def test_cost_is_that_of_the_steady_stretch_without_start_end_and_compilation() -> None:
    stretch = run(per_million=40.0).stretch
    assert stretch.net_per_million == pytest.approx(40.0)
    assert (stretch.per_million(FLINK), stretch.per_million(GARBAGE)) == (pytest.approx(30.0), pytest.approx(10.0))
    assert stretch.per_million(JIT) == pytest.approx(20.0)
    assert stretch.per_second == pytest.approx(20_000)


def test_a_share_between_two_samples_is_interpolated() -> None:
    taken = [Sample(0.4, 10.0, {FLINK: 5.0}), Sample(0.4, 11.0, {FLINK: 6.0}), Sample(0.6, 15.0, {FLINK: 10.0})]
    between = marginal.at(taken, 0.5)
    assert (between.read, between.wall, between.cpu[FLINK]) == (0.5, pytest.approx(13.0), pytest.approx(8.0))


def test_start_ends_with_the_last_sample_before_the_first_message() -> None:
    assert marginal.first_message(samples(40.0)).wall == 10.0


def test_median_is_of_the_runs() -> None:
    three = measured(run(50.0), run(30.0), run(41.0))
    assert three.median(lambda each: each.stretch.net_per_million) == pytest.approx(41.0)
    assert dict(flink.figures(three))["CPU-s per million messages, without JIT"] == "41.0 (50.0, 30.0, 41.0)"


@pytest.mark.parametrize("rows", [EXPECTED | {"readings": 979}, EXPECTED | {"dead_letters": 11}, {"readings": 980}])
def test_a_run_with_other_rows_than_it_must_have_is_void_and_gives_no_figure(rows: dict[str, int]) -> None:
    void = measured(run(), run(rows=rows))
    assert [name for name, _ in flink.figures(void)] == ["VOID, no figure counts"]
    assert "run 2: " in void.problems[0] and "void" in plot.draw([void])


def test_results_that_nothing_predicts_must_be_the_same_in_every_run() -> None:
    first, second = run(rows=EXPECTED | {"site_risk": 5}), run(rows=EXPECTED | {"site_risk": 4})
    assert measured(first, second).problems == ["run 2: site_risk has 4 rows and must have 5"]
    assert not measured(first, first).problems


def test_a_run_that_is_too_short_is_void() -> None:
    short = Run(1000, samples(40.0)[::20], samples(40.0)[0], EXPECTED, (1.0, 1.0), 1.5)
    assert "raise --messages" in measured(short).problems[0]


def test_plot_has_a_panel_for_each_work_and_a_line_for_each_run() -> None:
    drawing = ET.fromstring(plot.draw([measured(run(), run()), measured(run())]))
    assert len(list(drawing.iter("{http://www.w3.org/2000/svg}g"))) == 2
    assert len(list(drawing.iter("{http://www.w3.org/2000/svg}polyline"))) == 3


def test_input_is_as_old_as_its_last_message(tmp_path: Path) -> None:
    given = telemetry.make(tmp_path / "telemetry.jsonl", 6_000, 20)
    times = [document["timestamp"] for document in documents(given.file) if isinstance(document.get("timestamp"), int)]
    written_ms = given.file.stat().st_mtime_ns // 1_000_000
    assert 0 <= written_ms - max(times) < 2_000
    assert given.expected["device_minutes"] == 20 * 5 and given.expected["device_5min_aggregates"] == 20
    assert given.expected["readings"] + given.expected["dead_letters"] < given.messages == 6_000
    assert given.expected[telemetry.OF_READINGS] > 0


def documents(file: Path) -> list[dict[str, object]]:
    lines = [line for line in file.read_bytes().splitlines() if line.startswith(b"{") and line.endswith(b"}")]
    return [orjson.loads(line) for line in lines if b"NaN" not in line and b"Infinity" not in line and b"\xff" not in line]


def test_same_messages_are_made_every_time(tmp_path: Path) -> None:
    first, second = (telemetry.make(tmp_path / name, 500, 10) for name in ("a", "b"))
    assert first.file.read_bytes() == second.file.read_bytes() and first.expected == second.expected


def test_rows_are_counted_in_all_parts_and_candidates_by_cause(tmp_path: Path) -> None:
    for result, part, text in (("readings", "part-0", "{}\n{}\n"), ("readings", "part-1", "{}\n"),
                               ("candidates", "part-0", '{"cause":"readings"}\n{"cause":"silences"}\n')):
        (tmp_path / result).mkdir(exist_ok=True)
        (tmp_path / result / part).write_text(text, encoding="utf-8")
    assert telemetry.found(tmp_path) == {"readings": 3, "candidates": 2, telemetry.OF_READINGS: 1}


def test_yardstick_parses_malformed_messages_too(tmp_path: Path) -> None:
    file = tmp_path / "messages"
    file.write_bytes(b'{"a":1}\n{\n' * 1000)
    assert 0 < telemetry.yardstick(file) < 1000


def test_threads_of_a_jvm_belong_to_their_parts() -> None:
    names = {"C2 CompilerThre": JIT, "C1 CompilerThre": JIT, "GC Thread#1": GARBAGE, "G1 Conc#0": GARBAGE, "VM Thread": GARBAGE,
             "Source: telemet": FLINK, "ProcessTableFun": FLINK}
    assert {name: part_of(name) for name in names} == names


def test_status_of_a_thread_is_read_although_its_name_has_brackets() -> None:
    numbers = " ".join(map(str, range(1, 50)))
    name, seconds = thread_status(f"7 (Source: (a) -> ) S {numbers}")
    assert name == "Source: (a) -> " and seconds > 0
    assert thread_status(f"7 (x) S {numbers}") == ("x", seconds)


def test_meter_sees_how_far_a_child_has_read_and_what_it_spends(tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_bytes(bytes(1000))
    program = f"file = open({str(file)!r}, 'rb', 0); file.read(250); sum(range(10**7)); print(flush=True); input()"
    with Meter(file) as meter, subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE,
                                                stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline()
        sample = meter.sample()
        child.communicate(b"\n")
    assert sample.read == 0.25 and sample.cpu["Python"] > 0.05 and sample.cpu[FLINK] == 0
    assert meter.samples[0].gross == pytest.approx(0, abs=0.05) and meter.samples[-1].read == 1.0


def test_a_work_writes_its_own_views_through_the_same_declarations() -> None:
    whole, part = detect.script(Settings(source="file")), detect.script(Settings(source="file")).writing(WORKS["w1"].views)
    assert part.declarations == whole.declarations
    assert {each.inserted for each in part.inserts} == set(WORKS["w1"].views) and len(part.inserts) == 4
    assert all(each.inserted for each in whole.inserts)


def test_a_view_that_the_job_does_not_write_is_refused() -> None:
    with pytest.raises(PipelineError, match="does not write minutes"):
        detect.script(Settings(source="file")).writing(["minutes"])


@pytest.mark.parametrize(("only", "works"), [("w1", ["w1"]), ("w2", ["w2"]), ("file", ["w1", "w2"])])
def test_only_the_works_that_are_asked_for_are_run_and_drawn(only: str, works: list[str], tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flink, "measure", lambda works, *_: [Measured(work, EXPECTED, [run()]) for work in works])
    assert main(["bench", "--only", only, "--plot", str(tmp_path / "plot.svg")]) == 0
    drawing = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert [name for name in WORKS if f">{name}: " in drawing] == works


def test_a_void_run_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(flink, "measure", lambda *_: [measured(run(rows=EXPECTED | {"readings": 1}))])
    assert main(["bench", "--only", "w1", "--plot", str(tmp_path / "plot.svg")]) == 1
    assert "VOID" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--messages", "0"], ["--runs", "0"], ["--devices", "-1"], ["--only", "w3"]])
def test_arguments_that_measure_nothing_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", *wrong])
    assert ended.value.code == 2 and wrong[0] in capsys.readouterr().err
