"""The merged jar loses nothing, hides nothing silently, and Java finds in it everything that Flink looks up."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from core import installation
from core.settings import Settings
from infra.local import jars
from infra.managed_flink import jar, package

HOME = installation.home_folder(Settings.load())


def made(folder: Path, name: str, **files: bytes) -> Path:
    target = folder / f"{name}.jar"
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return target


def merged(folder: Path, *parts: Path) -> dict[str, bytes]:
    jar.merge(parts, folder / "merged.jar")
    with zipfile.ZipFile(folder / "merged.jar") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_services_of_all_jars_are_listed_once(tmp_path: Path) -> None:
    service = "META-INF/services/org.apache.flink.table.factories.Factory"
    entries = merged(tmp_path, made(tmp_path, "a", **{service: b"a.Factory\nboth.Factory"}),
                   made(tmp_path, "b", **{service: b"both.Factory\nb.Factory\n"}))
    assert entries[service] == b"a.Factory\nboth.Factory\nb.Factory\n"


def test_two_versions_of_a_class_are_refused_with_both_jars_named(tmp_path: Path) -> None:
    parts = [made(tmp_path, name, **{"x/Y.class": name.encode()}) for name in ("old", "new")]
    with pytest.raises(jar.MergeError, match=r"x/Y\.class differs between old\.jar and new\.jar"):
        jar.merge(parts, tmp_path / "merged.jar")


def test_the_licences_of_every_jar_are_kept_and_no_signatures(tmp_path: Path) -> None:
    parts = [made(tmp_path, name, **{"META-INF/LICENSE.txt": name.encode(), "META-INF/X.SF": name.encode()}) for name in "ab"]
    entries = merged(tmp_path, *parts)
    assert [entries[f"META-INF/licenses/{name}/META-INF/LICENSE.txt"] for name in "ab"] == [b"a", b"b"]
    assert not any(name.endswith(".SF") for name in entries)


def test_same_jars_give_the_same_bytes(tmp_path: Path) -> None:
    parts = [made(tmp_path, name, **{name: name.encode()}) for name in "ab"]
    for target in ("one.jar", "two.jar"):
        jar.merge(parts, tmp_path / target)
    assert (tmp_path / "one.jar").read_bytes() == (tmp_path / "two.jar").read_bytes()


def test_missing_jar_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(package.PackageError, match=r"kinesis\.jar must exist and is missing; ./fire package downloads"):
        package.connectors(HOME, str(tmp_path / "kinesis.jar"))


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A Java class loader of the merged jar and Flink, in a real JVM."""
    if jars.missing(HOME, ["managed-flink", "flink"]):
        pytest.skip("the jars of managed-flink are not there; ./fire package managed-flink downloads them")
    from infra.local import java

    java.use()
    from pyflink.java_gateway import get_gateway

    target = tmp_path_factory.mktemp("jar") / "merged.jar"
    jar.merge(package.connectors(HOME), target)
    jvm = get_gateway().jvm
    urls = get_gateway().new_array(jvm.java.net.URL, 1)
    urls[0] = jvm.java.net.URL(target.as_uri())
    # The thread's loader holds the connectors of jobs that ran before in this JVM.
    return jvm.java.net.URLClassLoader(urls, jvm.java.lang.ClassLoader.getSystemClassLoader())


@pytest.mark.parametrize("connector", ["kafka", "upsert-kafka", "jdbc"])
def test_flink_finds_the_connectors_factory(loader: Any, connector: str) -> None:
    from pyflink.java_gateway import get_gateway

    jvm = get_gateway().jvm
    kind = jvm.java.lang.Class.forName("org.apache.flink.table.factories.DynamicTableFactory")
    factory = jvm.org.apache.flink.table.factories.FactoryUtil.discoverFactory(loader, kind, connector)
    assert factory.factoryIdentifier() == connector
    assert factory.getClass().getClassLoader().equals(loader)


def test_jdbc_finds_postgres_driver_and_dialect(loader: Any) -> None:
    from pyflink.java_gateway import get_gateway

    assert loader.loadClass("org.postgresql.Driver").getClassLoader().equals(loader)
    factories = loader.loadClass("org.apache.flink.connector.jdbc.core.database.JdbcFactory")
    services, factory_names = get_gateway().jvm.java.util.ServiceLoader.load(factories, loader).iterator(), []
    while services.hasNext():
        factory_names.append(services.next().getClass().getSimpleName())
    assert "PostgresFactory" in factory_names


def test_a_kafka_client_of_the_jar_logs_in_with_the_iam_authentication_of_msk(loader: Any) -> None:
    """The client's own class loader builds login module and callback handler, which a renamed client cannot."""
    from pyflink.java_gateway import get_gateway

    from core.kafka_login import MSK_IAM

    jvm = get_gateway().jvm
    options = jvm.java.util.HashMap()
    for name, value in (MSK_IAM | {"bootstrap.servers": "127.0.0.1:1"}).items():
        options.put(name, value)
    thread, admin = jvm.Thread.currentThread(), loader.loadClass("org.apache.kafka.clients.admin.AdminClient")
    before = thread.getContextClassLoader()
    thread.setContextClassLoader(loader)
    try:
        client = admin.getMethod("create", _array(jvm.java.lang.Class, [jvm.java.lang.Class.forName("java.util.Map")])).invoke(
            None, _array(jvm.java.lang.Object, [options]))
    finally:
        thread.setContextClassLoader(before)
    assert client.getClass().getClassLoader().equals(loader)


def _array(kind: Any, values: list[Any]) -> Any:
    from pyflink.java_gateway import get_gateway

    array = get_gateway().new_array(kind, len(values))
    for index, value in enumerate(values):
        array[index] = value
    return array
