"""The embedded Flink clusters, each a JobManager and a supervised TaskManager, started from the jars of the pip package.

The package's shell scripts are not used, because they start two additional JVMs only to read the configuration.
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
    """Returns the Flink distribution in the installed package, located without the import, which takes seconds."""
    import importlib.util

    package = importlib.util.find_spec("pyflink")
    if package is None or package.origin is None:
        raise processes.ProcessError("the package apache-flink is not installed; run ./fire doctor")
    return Path(package.origin).parent


@dataclass(frozen=True)
class Flink:
    """One cluster on this machine, with its sizes, ports and folder."""

    home: Path
    java: Java
    cluster: Cluster
    rest_port: int
    rpc_port: int
    log_format: str = "text"
    metrics_port: int = 0

    @property
    def folder(self) -> Path:
        """The folder of this cluster's configuration, logs, checkpoints and temporary files."""
        return installation.state(self.home) / "flink" / self.cluster.name

    @property
    def address(self) -> str:
        """The address of the JobManager's REST interface, `host:port`."""
        return f"127.0.0.1:{self.rest_port}"

    def launch(self) -> None:
        """Starts the JobManager and the TaskManager, unless they run, without waiting for them."""
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
        """Waits until the TaskManager has registered its slots.

        Raises:
            ProcessError: the JobManager ended, or the deadline passed; the text quotes the end of the logs.
        """
        what = f"Flink's {self.cluster.name} cluster on {self.address}"
        try:
            processes.wait_until(lambda: self.slots() > 0, what, self.folder / "jobmanager", START_SECONDS)
        except processes.ProcessError as error:
            log = processes.log_tail(self.folder / "taskmanager")
            raise processes.ProcessError(f"{error}; its TaskManager{log}") from None

    def alive(self) -> bool:
        """Returns whether both the JobManager and the TaskManager's supervisor run."""
        return processes.alive(self.folder / "jobmanager") and processes.alive(self.folder / "taskmanager")

    def slots(self) -> int:
        """Returns the number of task slots registered at the JobManager, 0 while it does not answer."""
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
        """Returns Flink's own --add-opens and --add-exports, without which Java 17 refuses its reflection."""
        shipped = (distribution() / "conf" / "config.yaml").read_text()
        match = re.search(r"^\s+all: (--add-.*)$", shipped, re.MULTILINE)
        if match is None:
            raise processes.ProcessError(f"{distribution()}/conf/config.yaml has no env.java.opts.all; delete the venv "
                                         "and run the command again to reinstall apache-flink")
        return f"{match.group(1)} -Duser.timezone=UTC"

    def _java(self, role: str, main_class: str) -> list[str]:
        conf, here = self.folder / "conf", self.folder / role
        options = jobmanager_options() if role == "jobmanager" else taskmanager_options(self.cluster)
        here.mkdir(parents=True, exist_ok=True)
        return [self.java.command, *options, *self._module_options().split(),
                f"-Dlog.file={here}/{role}.log", f"-Dlog4j.configurationFile=file:{conf}/log4j.properties",
                f"-Djava.io.tmpdir={self.folder}/tmp", "-cp", self._class_path(), main_class, "--configDir", str(conf)]

    def _class_path(self) -> str:
        """Returns Flink, PyFlink and the connectors, loaded once for all jobs, as a class loader per job leaks metaspace."""
        python = next((distribution() / "opt").glob("flink-python-*.jar"))
        connectors = [jar for group in self.cluster.jars for jar in installation.jars(self.home, group)]
        return ":".join([f"{distribution()}/lib/*", str(python), *map(str, connectors)])

    def _place_plugins(self) -> None:
        """Links Flink's shipped plugins and ours into the plugin folder, one subfolder each, as Flink requires."""
        plugins = self.folder / "plugins"
        shutil.rmtree(plugins, ignore_errors=True)
        shutil.copytree(distribution() / "plugins", plugins)
        for group in self.cluster.plugins:
            (plugins / group).mkdir()
            for jar in installation.jars(self.home, group):
                (plugins / group / jar.name).symlink_to(jar.resolve())

    def _env(self, role: str) -> dict[str, str]:
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
        # Workers of a DataStream job run `python` from the PATH unless the client names another.
        env["PATH"] = f"{Path(sys.executable).parent}:{env.get('PATH', os.defpath)}"
        env |= {"JAVA_HOME": str(self.java.home), "FLINK_CONF_DIR": str(self.folder / "conf"),
                "FLINK_PLUGINS_DIR": str(self.folder / "plugins"), "FLINK_LIB_DIR": str(distribution() / "lib"),
                "FLINK_OPT_DIR": str(distribution() / "opt"), "TMPDIR": str(self.folder / "tmp"), "TZ": "UTC",
                "PYTHONPATH": str(installation.ROOT), "MALLOC_ARENA_MAX": "2", "MAX_LOG_FILE_NUMBER": "3",
                "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return env | (dict(self.cluster.environment) if role == "taskmanager" else {})


def stop(home: Path) -> bool:
    """Stops all clusters of this home, TaskManagers first; returns whether any process was stopped."""
    stopped = False
    for role in (f"taskmanager/{CHILD}", "taskmanager", "jobmanager"):
        for cluster in sorted((installation.state(home) / "flink").glob("*")):
            # A supervisor stops its child; the child is stopped directly only if its supervisor was killed.
            if role.endswith(CHILD) and processes.alive(cluster / "taskmanager"):
                continue
            stopped |= processes.stop(cluster / role, grace=25.0)
    return stopped
