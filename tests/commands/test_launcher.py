"""`./fire` works before anything is installed, and installs what a command needs."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from core import installation
from core.settings import Settings
from infra.local import install
from infra.local.progress import Progress

FIRE = installation.ROOT / "fire"


def fire(*words: str, cwd: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]} | {f"FIRE_{name.upper()}": text for name, text in settings.items()}
    return subprocess.run([sys.executable, str(FIRE), *words], capture_output=True, text=True, env=environment,
                          cwd=cwd, check=False)


@pytest.fixture
def launcher() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("fire_program", str(FIRE))
    spec = importlib.util.spec_from_loader("fire_program", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> install.Part:
    """Requirements without any package, so that their installation needs no network."""
    source = tmp_path / "requirements.txt"
    source.write_text("# nothing\n")
    part = install.Part("requirements", source, "packages")
    monkeypatch.setattr(install, "NEEDS", {"python": (part,)})
    return part


def test_help_needs_nothing_installed(tmp_path: Path) -> None:
    shown = fire("--help", home=str(tmp_path / "home"))
    assert shown.returncode == 0
    assert "./fire demo" in shown.stdout
    assert not (tmp_path / "home").exists()


def test_a_usage_error_names_the_argument_and_installs_nothing(tmp_path: Path) -> None:
    shown = fire("up", "--nonsense", home=str(tmp_path / "home"))
    assert shown.returncode == 2
    assert "--nonsense" in shown.stderr
    assert not (tmp_path / "home").exists()


def test_doctor_runs_before_anything_is_installed_from_any_folder(tmp_path: Path) -> None:
    shown = fire("doctor", home=str(tmp_path / "home"), cwd=tmp_path)
    assert "the next ./fire command installs it" in shown.stdout
    assert "Traceback" not in shown.stderr


def test_an_unknown_setting_is_reported_in_one_sentence(tmp_path: Path) -> None:
    shown = fire("doctor", homme=str(tmp_path))
    assert shown.returncode == 2
    assert "FIRE_HOMME" in shown.stderr and "Traceback" not in shown.stderr


def test_a_shim_that_fails_is_not_a_supported_python(launcher: ModuleType, tmp_path: Path) -> None:
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert not launcher.is_supported(str(shim))
    assert not launcher.is_supported(str(tmp_path / "absent"))
    assert launcher.is_supported(sys.executable)


def test_without_a_supported_python_the_remedy_is_named(
        launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(launcher, "is_supported", lambda python: False)
    assert launcher.run_with_another() == 1
    assert "install the packages python3.12" in capsys.readouterr().err


def test_the_default_home_is_in_the_repository_and_a_relative_one_in_the_current_folder(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert installation.home_folder(Settings()) == installation.ROOT / ".fire"
    assert installation.home_folder(Settings(home="elsewhere")) == tmp_path / "elsewhere"


def test_an_installation_is_done_once_and_repeated_after_an_interruption(needs: install.Part, tmp_path: Path) -> None:
    home = tmp_path / "home"
    install.ensure(home, "python")
    assert needs.complete(home)
    leftover = home / "venv" / "leftover"
    leftover.touch()
    install.ensure(home, "python")
    assert leftover.exists(), "a complete venv must be left alone"
    (home / install.UNFINISHED).touch()
    needs.stamp(home).unlink()
    install.ensure(home, "python")
    assert needs.complete(home)
    assert not leftover.exists(), "the venv of an interrupted installation must be created again"


def test_changed_requirements_are_installed_again(needs: install.Part, tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    installation.venv_python(tmp_path).touch()
    needs.settle(tmp_path)
    assert needs.complete(tmp_path)
    needs.source.write_text("# something\n")
    assert not needs.complete(tmp_path)


def test_a_failed_installation_shows_the_end_of_the_log_and_a_remedy(needs: install.Part, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with pytest.raises(install.InstallError, match=r"(?s)exit code 3.*no room.*Remedy: make room\."):
        install._run([sys.executable, "-c", "print('no room'); raise SystemExit(3)"], "Packages", tmp_path / "home",
                     "make room", 0)


def test_progress_is_a_few_plain_lines_without_a_terminal() -> None:
    stream = io.StringIO()
    with Progress("Packages", stream) as progress:
        install._show(progress, "Collecting numpy==2.1.3 (from -r requirements.txt)", 11, 69)
    assert stream.getvalue().splitlines() == ["Packages …", "Packages: done after 0:00"]
    assert progress.line(80) == "Packages  0:00  12 of 69 numpy"


def test_every_requirement_is_pinned_by_hash_and_names_no_registry() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (installation.ROOT / name).read_text()
        assert "://" not in text and "--index" not in text
        packages = [line for line in text.splitlines() if line and line[0] not in "# "]
        assert packages and all("==" in line and line.endswith("\\") for line in packages)
