"""Where things lie: the repository, and the home folder with the venv, the jars and the embedded stack's state."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def home_folder(settings: Settings) -> Path:
    """The home as an absolute path; the default lies in the repository, another relative one in the current folder."""
    if settings.home == Settings().home:
        return ROOT / settings.home
    return Path(settings.home).expanduser().absolute()


def venv_python(home: Path) -> Path:
    """The Python that runs the project, the PyFlink client and Flink's Python workers."""
    return home / "venv" / "bin" / "python"


def jars(home: Path, kind: str) -> list[Path]:
    """The downloaded jars of one kind, `flink` or `kafka`, in name order."""
    return sorted((home / "jars" / kind).glob("*.jar"))


def state(home: Path) -> Path:
    """The folder of everything that the embedded stack writes."""
    return home / "state"
