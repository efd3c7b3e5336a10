"""What the comparison measures: a table. A row is one kind of work at one size and one way to load it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .peers import Work
from .subjects import Subject

Told = Callable[[dict[str, Any], float | None], str]


def cpu(outcome: dict[str, Any], floor: float | None) -> str:
    """CPU time of the server per message, and as a multiple of the floor's."""
    figure = outcome["cpu_us_per_message"]
    return f"{figure:.2f} us ({figure / floor:.2f} x)" if floor else f"{figure:.2f} us"


def latency(outcome: dict[str, Any], _: float | None) -> str:
    """Half of them, and all but a hundredth, were there within so long."""
    return f"{outcome['p50_us'] / 1e3:.2f} / {outcome['p99_us'] / 1e3:.1f} ms"


def memory(outcome: dict[str, Any], _: float | None) -> str:
    """Of one idle connection."""
    return f"{outcome['resident_per_connection'] / 1024:.1f} KB"


def opening(outcome: dict[str, Any], _: float | None) -> str:
    """CPU time to accept one connection and shake hands."""
    return f"{outcome['connect_cpu_us']:.0f} us"


@dataclass(frozen=True)
class Row:
    """`figure` is the name of what is compared, in the load's report; `told` how a reader sees it."""

    name: str
    title: str
    work: Work
    load: tuple[str, ...]
    figure: str = "cpu_us_per_message"
    told: Told = cpu
    deflate: bool = False
    fresh: bool = False

    def skips(self, subject: Subject) -> str | None:
        """Why a subject has no part in this row, if it has none."""
        if self.work not in subject.works:
            return f"it has no {self.work}"
        if self.deflate and not subject.deflate:
            return "it does not compress"
        return None


ECHO = ("--mode", "echo", "--n", "100")
FAN = ("--mode", "fanout", "--n", "1000")
ROWS = (
    Row("echo", "echo, 128 bytes", "echo", ECHO),
    Row("echo-64k", "echo, 64 KiB", "echo", ("--mode", "echo", "--n", "20", "--size", "65536")),
    Row(
        "echo-rate", "echo at 2,000 a second, p50 / p99", "echo", (*ECHO, "--rate", "2000"), "p99_us", latency
    ),
    Row("fanout", "to 1,000, 1 in flight", "fanout", FAN),
    Row("fanout-16", "to 1,000, 16 in flight", "fanout", (*FAN, "--window", "16")),
    Row("fanout-64k", "64 KiB to 100", "fanout", ("--mode", "fanout", "--n", "100", "--size", "65536")),
    Row(
        "fanout-deflate",
        "4 KiB compressed to 1,000",
        "fanout",
        (*FAN, "--words", "--size", "4096", "--deflate"),
        deflate=True,
    ),
    Row("fanout-rate", "to 1,000, 4 a second, p50 / p99", "fanout", (*FAN, "--rate", "4"), "p99_us", latency),
    Row(
        "idle",
        "an idle connection",
        "fanout",
        ("--mode", "idle", "--n", "2000", "--seconds", "1"),
        "resident_per_connection",
        memory,
        fresh=True,
    ),
    Row(
        "accept",
        "CPU to accept one",
        "fanout",
        ("--mode", "accept", "--n", "1000"),
        "connect_cpu_us",
        opening,
        fresh=True,
    ),
)
