"""The embedded Flink clusters: a JobManager and one supervised TaskManager each, straight from the pip package's jars.

The package's shell scripts are left out: they start a JVM of their own, twice, only to read the configuration.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from core import flink_rest, installation
from infra.local import flink_logs, processes
from infra.local.flink_config import Cluster, configuration, jobmanager_options, taskmanager_options, yaml
from infra.local.java import Java
from infra.local.supervise import CHILD

START_SECONDS = 300.0
JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"


def distribution() -> Path:
    """The Flink distribution inside the installed package, found without importing it (that takes seconds)."""
    import importlib.util

    package = importlib.util.find_spec("pyflink")
    if package is None or package.origin is None:
        raise processes.ProcessError("the package apache-flink is not installed; run ./fire doctor")
    return Path(package.origin).parent


@dataclass(frozen=True)
class Flink:
    """One cluster on this machine: its sizes, its ports and where it lives."""

    home: Path
    java: Java
    cluster: Cluster
    rest_port: int
    rpc_port: int
    log_format: str = "text"
    metrics_port: int = 0

    @property
    def folder(self) -> Path:
        """Configuration, logs, checkpoints and temporary files of this cluster."""
        return installation.state(self.home) / "flink" / self.cluster.name

    @property
    def address(self) -> str:
        """`host:port` of the JobManager's REST interface."""
        return f"127.0.0.1:{self.rest_port}"

    def launch(self) -> None:
        """Starts what does not run of JobManager and TaskManager, without waiting."""
        if not self.alive():
            self._configure()
        if not processes.alive(self.folder / "jobmanager"):
            processes.start(self.folder / "jobmanager", self._java("jobmanager", JOBMANAGER),
                            env=self._env("jobmanager"))
        if not processes.alive(self.folder / "taskmanager"):
            command = [sys.executable, "-P", "-m", "infra.local.supervise", str(self.folder / "taskmanager"),
                       *self._java("taskmanager", TASKMANAGER)]
            processes.start(self.folder / "taskmanager", command, env=self._env("taskmanager"))

    def wait(self) -> None:
        """Returns when the TaskManager has registered its slots.

        Raises:
            ProcessError: the JobManager ended, or the deadline passed; with the end of the logs.
        """
        what = f"Flink's {self.cluster.name} cluster on {self.address}"
        try:
            processes.wait_until(lambda: self.slots() > 0, what, self.folder / "jobmanager", START_SECONDS)
        except processes.ProcessError as error:
            told = processes.log_tail(self.folder / "taskmanager")
            raise processes.ProcessError(f"{error}; its TaskManager{told}") from None

    def alive(self) -> bool:
        """Whether both the JobManager and the TaskManager's supervisor run."""
        return processes.alive(self.folder / "jobmanager") and processes.alive(self.folder / "taskmanager")

    def slots(self) -> int:
        """Task slots registered at the JobManager; 0 while it does not answer."""
        return int((flink_rest.get(self.address, "/overview") or {}).get("slots-total", 0))

    def _configure(self) -> None:
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        for name in ("conf", "tmp", "checkpoints", "savepoints"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._place_plugins()
        flink_logs.copy(distribution() / "conf", self.folder / "conf", self.log_format)
        settings = configuration(self.cluster, self.folder, rest_port=self.rest_port, rpc_port=self.rpc_port,
                                 java_options=self._module_options(), python=sys.executable, metrics_port=self.metrics_port)
        (self.folder / "conf" / "config.yaml").write_text(yaml(settings))

    def _module_options(self) -> str:
        """The shipped list of --add-opens and --add-exports, without which Java 17 refuses Flink's reflection."""
        shipped = (distribution() / "conf" / "config.yaml").read_text()
        found = re.search(r"^\s+all: (--add-.*)$", shipped, re.MULTILINE)
        if found is None:
            raise processes.ProcessError(f"{distribution()}/conf/config.yaml has no env.java.opts.all; delete the venv "
                                         "and start again, so that apache-flink is installed anew")
        return f"{found.group(1)} -Duser.timezone=UTC"

    def _java(self, role: str, main_class: str) -> list[str]:
        conf, here = self.folder / "conf", self.folder / role
        options = jobmanager_options() if role == "jobmanager" else taskmanager_options(self.cluster)
        here.mkdir(parents=True, exist_ok=True)
        return [self.java.command, *options, *self._module_options().split(),
                f"-Dlog.file={here}/{role}.log", f"-Dlog4j.configurationFile=file:{conf}/log4j.properties",
                f"-Djava.io.tmpdir={self.folder}/tmp", "-cp", self._class_path(), main_class, "--configDir", str(conf)]

    def _class_path(self) -> str:
        """Flink, PyFlink and the connectors, loaded once for all jobs: a class loader per job would leak metaspace."""
        python = next((distribution() / "opt").glob("flink-python-*.jar"))
        connectors = [jar for kind in self.cluster.jars for jar in installation.jars(self.home, kind)]
        return ":".join([f"{distribution()}/lib/*", str(python), *map(str, connectors)])

    def _place_plugins(self) -> None:
        """Flink loads each plugin from a folder of its own: those it ships, and ours."""
        plugins = self.folder / "plugins"
        shutil.rmtree(plugins, ignore_errors=True)
        shutil.copytree(distribution() / "plugins", plugins)
        for kind in self.cluster.plugins:
            (plugins / kind).mkdir()
            for jar in installation.jars(self.home, kind):
                (plugins / kind / jar.name).symlink_to(jar.resolve())

    def _env(self, role: str) -> dict[str, str]:
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
        # A DataStream job's workers are started as `python` unless its client names another.
        env["PATH"] = f"{Path(sys.executable).parent}:{env.get('PATH', os.defpath)}"
        env |= {"JAVA_HOME": str(self.java.home), "FLINK_CONF_DIR": str(self.folder / "conf"),
                "FLINK_PLUGINS_DIR": str(self.folder / "plugins"), "FLINK_LIB_DIR": str(distribution() / "lib"),
                "FLINK_OPT_DIR": str(distribution() / "opt"), "TMPDIR": str(self.folder / "tmp"), "TZ": "UTC",
                "PYTHONPATH": str(installation.ROOT), "MALLOC_ARENA_MAX": "2", "MAX_LOG_FILE_NUMBER": "3",
                "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return env | (dict(self.cluster.environment) if role == "taskmanager" else {})


def stop(home: Path) -> bool:
    """Stops all clusters of this home, TaskManagers first; whether there was anything to stop."""
    found = False
    for role in (f"taskmanager/{CHILD}", "taskmanager", "jobmanager"):
        for cluster in sorted((installation.state(home) / "flink").glob("*")):
            # The supervisor stops its child itself; a child is addressed first only if its supervisor was killed.
            if role.endswith(CHILD) and processes.alive(cluster / "taskmanager"):
                continue
            found |= processes.stop(cluster / role, grace=25.0)
    return found
