"""Paths of the repository and of the home folder, which holds the venv, the jars and the embedded stack's state."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def home_folder(settings: Settings) -> Path:
    """Returns the home folder as an absolute path.

    The default is relative to the repository, any other relative path to the current folder.
    """
    if settings.home == Settings().home:
        return ROOT / settings.home
    return Path(settings.home).expanduser().absolute()


def venv_python(home: Path) -> Path:
    """Returns the path of the Python that runs the project, the PyFlink client and Flink's Python workers."""
    return home / "venv" / "bin" / "python"


def jars(home: Path, group: str) -> list[Path]:
    """Returns the downloaded jars of one group of `infra/jars.lock`, such as `flink`, in name order."""
    return sorted((home / "jars" / group).glob("*.jar"))


def state(home: Path) -> Path:
    """Returns the folder that holds everything the embedded stack writes."""
    return home / "state"
