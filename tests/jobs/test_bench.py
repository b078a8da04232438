"""The works of `./fire bench` write what they must, so that their figures count."""

from __future__ import annotations

from pathlib import Path

from commands.bench import flink, marginal, telemetry


def test_w1_writes_its_four_results_as_the_input_demands(tmp_path: Path) -> None:
    given = telemetry.make(tmp_path / "telemetry.jsonl", 3_000, 10)
    work = flink.WORKS["w1"]
    run = flink.run_once(work, given, tmp_path / "out")
    assert {name: run.rows[name] for name in work.counted} == {name: given.expected[name] for name in work.counted}
    assert run.rows.keys() == {*work.counted, "candidates"}
    assert not (tmp_path / "out").exists()
    planned, start, end = run.planned, marginal.first_message(run.samples), run.samples[-1]
    assert 0 < planned.wall <= end.wall and start.gross <= end.gross and end.cpu["Flink"] > 0
