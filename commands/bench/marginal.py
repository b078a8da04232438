"""The arithmetic of the file benchmark: what messages cost while a job runs at its pace, from samples taken during the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FROM, TO = 0.50, 0.97
"""The stretch of the input that counts: after the start, and before the end of the input closes all windows at once."""
FEWEST_SAMPLES = 8
JIT = "JIT"
"""The part of the CPU time that compilation takes; it is fixed per job and not a cost of messages."""


@dataclass(frozen=True)
class Sample:
    """Share of the input that has been read (0–1), seconds since the start, and CPU-seconds since the start by part."""

    read: float
    wall: float
    cpu: Mapping[str, float]

    @property
    def net(self) -> float:
        """CPU-seconds without compilation."""
        return sum(self.cpu.values()) - self.cpu.get(JIT, 0.0)

    @property
    def gross(self) -> float:
        """CPU-seconds with compilation."""
        return sum(self.cpu.values())


@dataclass(frozen=True)
class Stretch:
    """What a number of consecutive messages took: seconds, and CPU-seconds by part."""

    messages: float
    wall: float
    cpu: Mapping[str, float]

    @property
    def per_second(self) -> float:
        """Messages per second."""
        return self.messages / self.wall

    def per_million(self, part: str) -> float:
        """Returns the CPU-seconds of a part per million messages."""
        return 1e6 * self.cpu[part] / self.messages

    @property
    def net_per_million(self) -> float:
        """CPU-seconds per million messages, without compilation."""
        return sum(self.per_million(part) for part in self.cpu if part != JIT)


def stretch(samples: Sequence[Sample], messages: int, low: float = FROM, high: float = TO) -> Stretch:
    """Returns what the messages between two shares of the input took; `samples` begin at share 0 and end at 1."""
    first, last = at(samples, low), at(samples, high)
    cpu = {part: last.cpu[part] - first.cpu[part] for part in last.cpu}
    return Stretch(messages * (high - low), last.wall - first.wall, cpu)


def at(samples: Sequence[Sample], share: float) -> Sample:
    """Returns the state at a share of the input, by a straight line between the samples before and after it."""
    later = next(index for index, sample in enumerate(samples) if sample.read >= share)
    after, before = samples[later], samples[max(later - 1, 0)]
    weight = (share - before.read) / (after.read - before.read) if after.read > before.read else 1.0
    cpu = {part: before.cpu[part] + weight * (after.cpu[part] - before.cpu[part]) for part in after.cpu}
    return Sample(share, before.wall + weight * (after.wall - before.wall), cpu)


def first_message(samples: Sequence[Sample]) -> Sample:
    """Returns the last sample before anything was read."""
    return next((sample for sample in reversed(samples) if not sample.read), samples[0])


def too_short(samples: Sequence[Sample], low: float = FROM, high: float = TO) -> str:
    """Returns why a run is too short to be measured; empty if it is not."""
    seen = sum(low <= sample.read <= high for sample in samples)
    if seen >= FEWEST_SAMPLES:
        return ""
    return (f"{seen} samples between {100 * low:.0f} % and {100 * high:.0f} % of the input, but at least {FEWEST_SAMPLES} are "
            "needed; raise --messages")
