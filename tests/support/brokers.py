"""A real Kafka broker, one per session; a test that writes to topics creates its own under a prefix."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.topics import TOPICS
from core import installation
from core.settings import Settings
from infra.local import java, kafka
from tests.support.free_ports import free_ports


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Starts a broker without topics and returns its address."""
    installed = installation.home_folder(Settings.load())
    assert installation.jars(installed, "kafka"), "Kafka is not installed; run ./fire test, which fetches it"
    home = tmp_path_factory.mktemp("kafka")
    (home / "jars").symlink_to(installed / "jars", target_is_directory=True)
    chosen = free_ports("Kafka", "controller")
    kafka.start(home, java.find(), chosen["Kafka"], chosen["controller"])
    yield f"127.0.0.1:{chosen['Kafka']}"
    kafka.stop(home)


def create_topics(brokers: str, prefix: str, *names: str) -> None:
    """Creates the topics with these names under a prefix; without names, all topics."""
    kafka.create_topics(brokers, [topic for topic in TOPICS if topic.name in names or not names], prefix)
