"""Keeps what Flink's planner makes of a job's SQL in files, so that the same job is not planned twice.

A plan names its tables and functions without their options, so a job declares them before it loads a plan.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyflink.table import CompiledPlan, PlanReference
from pyflink.version import __version__

from core.installation import ROOT
from core.logs import Report
from jobs.flink.script import Script

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment, TableResult

KEPT = 8
"""The number of files that are kept of each job."""
DECISIVE = ("parallelism.", "pipeline.", "python.fn-execution.", "table.")
"""How the names of options begin that the planner may read."""


@dataclass(frozen=True)
class Plans:
    """The folder of the plans, None if none is to be kept; `report` receives a sentence about each plan that is not at hand.

    `addresses` are texts of the SQL that no plan depends on.
    """

    folder: Path | None
    report: Report
    addresses: tuple[str, ...] = ()

    def execute(self, t_env: StreamTableEnvironment, script: Script) -> TableResult:
        """Executes the script by its kept plan, or else plans it first; either way its operators have the same ids.

        Raises:
            PipelineError: Flink refuses a statement.
        """
        script.tables().declare(t_env)
        file = self.folder / f"{_job(t_env)}-{key(t_env, script, self.addresses)}.json" if self.folder else None
        plan = self._kept(t_env, file) if file and file.is_file() else None
        if plan is None:
            self.report(f"planning {_job(t_env)}" + (", whose plan is kept for the next submission" if file else ""))
            script.views().declare(t_env)
            text = numbered(script.statement_set(t_env).compile_plan().as_json_string())
            plan = _loaded(t_env, text)
            if file:
                _keep(file, text)
        return plan.execute()

    def _kept(self, t_env: StreamTableEnvironment, file: Path) -> CompiledPlan | None:
        """Loads a plan; one that Flink refuses is deleted."""
        try:
            plan = _loaded(t_env, file.read_text(encoding="utf-8"))
        except Exception as refusal:
            file.unlink(missing_ok=True)
            self.report(f"the kept plan {file} could not be loaded ({_first_line(refusal)}); it was deleted, and the job is "
                        "planned once more")
            return None
        os.utime(file)
        return plan


def execute(t_env: StreamTableEnvironment, script: Script, plans: Plans | None) -> TableResult:
    """Executes the script as one job, by `plans` if there are any."""
    if plans:
        return plans.execute(t_env, script)
    script.declare(t_env)
    return script.statement_set(t_env).execute()


def key(t_env: StreamTableEnvironment, script: Script, addresses: tuple[str, ...] = ()) -> str:
    """Returns the hash of all that decides a plan: statements, options, the functions' sources, and the version of Flink."""
    text = str(script)
    for address in addresses:
        text = text.replace(address, "")
    options = t_env.get_config().get_configuration().to_dict()
    decisive = sorted((name, value) for name, value in options.items() if name.startswith(DECISIVE))
    sources = [(str(file.relative_to(ROOT)), hashlib.sha256(file.read_bytes()).hexdigest()) for file in _sources()]
    whole = json.dumps([__version__, text, decisive, sources])
    return hashlib.sha256(whole.encode()).hexdigest()[:24]


def _sources() -> list[Path]:
    """Returns the files that the types of functions come from."""
    files = (file for package in ("contract", "udfs") for file in (ROOT / package).rglob("*"))
    return sorted(file for file in files if file.is_file() and file.suffix != ".pyc")


def numbered(text: str) -> str:
    """Numbers a plan's nodes from 1, as they become operator ids; Flink counts on from the client's earlier jobs."""
    plan: dict[str, Any] = json.loads(text)
    numbers = {node["id"]: number for number, node in enumerate(plan["nodes"], 1)}
    for node in plan["nodes"]:
        node["id"] = numbers[node["id"]]
    for edge in plan["edges"]:
        edge |= {end: numbers[edge[end]] for end in ("source", "target")}
    return json.dumps(plan)


def _loaded(t_env: StreamTableEnvironment, text: str) -> CompiledPlan:
    # PyFlink's own load_plan passes the Java environment on, for which execute() fails.
    return CompiledPlan(t_env.load_plan(PlanReference.from_json_string(text))._j_compiled_plan, t_env)


def _job(t_env: StreamTableEnvironment) -> str:
    return str(t_env.get_config().get("pipeline.name", "")).removeprefix("fire-")


def _keep(file: Path, text: str) -> None:
    """Writes a plan for clients side by side to see as a whole or not at all, and deletes the job's oldest ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".part", delete=False, encoding="utf-8") as part:
        part.write(text)
    Path(part.name).replace(file)
    job = file.name.partition("-")[0]
    newest_last = sorted(file.parent.glob(f"{job}-*.json"), key=lambda each: each.stat().st_mtime_ns)
    for each in newest_last[:-KEPT]:
        each.unlink(missing_ok=True)


def _first_line(refusal: Exception) -> str:
    causes = [line.strip() for line in str(refusal).splitlines() if "xception" in line]
    return (causes or [str(refusal)])[0][:200]
