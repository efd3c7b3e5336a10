"""What came of a scene: the figure that is told, and whether it is what was wanted."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from .scene import Scene


@dataclass
class Result:
    """The figure that the target speaks of, and what it was made from. `good` is None without a target."""

    name: str
    title: str
    target: str
    value: str
    good: bool | None
    figure: float
    latency: float | None = None
    ours: list[dict[str, Any]] = field(default_factory=list)
    floor: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For the results file."""
        return asdict(self)


@dataclass
class Runs:
    """The runs of a scene: ours, and those of the floor between them."""

    ours: list[dict[str, Any]]
    floor: list[dict[str, Any]]

    def ratio(self, name: str) -> float:
        """The median of ours to the floor's of the same minute."""
        return float(statistics.median(a[name] / b[name] for a, b in zip(self.ours, self.floor, strict=True)))

    def middle(self, name: str) -> float:
        """Our median."""
        return float(statistics.median(run[name] for run in self.ours))

    def least(self, name: str) -> float:
        """The floor's median."""
        return float(statistics.median(run[name] for run in self.floor))


def cpu(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """CPU time of the server per message, as a ratio to the floor, or to our own over WebSocket."""
    figure = runs.ratio("cpu_us_per_message")
    beside = "WebSocket" if scene.floor == "websocket" else "floor"
    return figure, f"{figure:.3g} x {beside}", f"{scene.target:g} x {beside}" if scene.target else ""


def delivery(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """CPU time per delivery where there is no floor to hold it against."""
    figure = runs.middle("cpu_us_per_message")
    return figure, f"{figure:.2f} us a delivery", f"{scene.target:g} us" if scene.target else ""


def connect(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """CPU time per connection, and how long the last ones waited."""
    figure = runs.middle("connect_cpu_us")
    waited = runs.middle("opening_p99_us") / 1e3
    rate = statistics.median(run["n"] / run["connect_s"] for run in runs.ours)
    value = f"{figure:.0f} us CPU, {rate:,.0f} a second, p99 {waited:.0f} ms"
    return figure, value, f"{scene.target:g} us CPU" if scene.target else ""


def resident(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """Memory per session."""
    figure = runs.middle("resident_per_connection")
    wanted = f"{scene.target / 1024:g} KB per session" if scene.target else ""
    return figure, f"{figure / 1024:.1f} KB per session", wanted


def growth(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """Memory that a scene adds."""
    figure = float(statistics.median(run["resident_after"] - run["resident_before"] for run in runs.ours))
    return figure, f"{figure / 2**20:.0f} MB", f"{scene.target / 2**20:.0f} MB" if scene.target else ""


def pace(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """Latency at a fixed rate: ours, and the floor's in the same minute."""
    figure = runs.middle("p99_us") / runs.least("p99_us")
    told = ", ".join(f"{runs.middle(name):.0f}" for name in ("p50_us", "p99_us", "p999_us"))
    least = ", ".join(f"{runs.least(name):.0f}" for name in ("p50_us", "p99_us", "p999_us"))
    return (
        figure,
        f"p50, p99, p99.9 {told} us (floor {least})",
        f"p99 {scene.target:g} x" if scene.target else "",
    )


def resume(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """How long until everybody is back and has heard what was missed."""
    figure = runs.middle("seconds")
    entry = runs.middle("cpu_us_per_message")
    return (
        figure,
        f"{figure:.2f} s, {entry:.2f} us CPU an entry",
        f"{scene.target:g} s" if scene.target else "",
    )


def items(scene: Scene, runs: Runs) -> tuple[float, str, str]:
    """Items of a stream: microseconds each, told as how many a second, and CPU time of the server for one."""
    figure = 1e6 / runs.middle("per_second")
    value = (
        f"{runs.middle('per_second'):,.0f} a second, {runs.middle('cpu_us_per_message'):.2f} us CPU an item"
    )
    return figure, value, f"{1e6 / scene.target:,.0f} a second" if scene.target else ""


MEASURES: dict[str, Callable[[Scene, Runs], tuple[float, str, str]]] = {
    one.__name__: one for one in (cpu, delivery, connect, resident, growth, pace, resume, items)
}


def raw(name: str) -> Callable[[dict[str, Any]], float]:
    """A figure of a run by its name."""
    return lambda run: float(run[name])


# The one figure of a run that a scene is about, for comparing two runs of it (`pairs.py`).
FIGURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "cpu": raw("cpu_us_per_message"),
    "delivery": raw("cpu_us_per_message"),
    "connect": raw("connect_cpu_us"),
    "resident": raw("resident_per_connection"),
    "growth": lambda run: float(run["resident_after"] - run["resident_before"]),
    "pace": raw("p99_us"),
    "resume": raw("seconds"),
    "items": raw("cpu_us_per_message"),
}


def judged(scene: Scene, ours: list[dict[str, Any]], floor: list[dict[str, Any]]) -> Result:
    """Hold what was measured against the target."""
    runs = Runs(ours, floor)
    figure, value, target = MEASURES[scene.measure](scene, runs)
    good = None if scene.target is None else figure <= scene.target
    latency = None
    if scene.latency_target is not None:
        latency = runs.ratio("p50_us")
        value += f", round trip {latency:.2f} x"
        target += f", round trip {scene.latency_target:g} x"
        good = bool(good) and latency <= scene.latency_target
    return Result(scene.name, scene.title, target, value, good, figure, latency, ours, floor)
