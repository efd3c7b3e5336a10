"""`python bench/plots.py`: draw the kept results as pictures in bench/results.

Run by an environment that has matplotlib (`make peers` makes one). It reads the result files alone, so that
it can be run again without measuring again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"
OURS, FLOOR, OTHERS = "#c2410c", "#94a3b8", "#475569"
# Row of the comparison, title, and what its figure is divided by.
PANELS = (
    ("echo", "echo, 128 bytes: CPU a message, us", 1.0),
    ("fanout-16", "to 1,000, 16 in flight: CPU a delivery, us", 1.0),
    ("fanout-rate", "to 1,000, 4 a second: p99, ms", 1e3),
    ("idle", "an idle connection: memory, KB", 1024.0),
)


def colour(name: str) -> str:
    """Ours, the floor, the rest."""
    return OURS if name.startswith("rtcore") else FLOOR if name == "floor" else OTHERS


def bars(axes: Any, outcomes: dict[str, Any], title: str, unit: float) -> None:
    """One row as bars, the shortest on top: shorter is better."""
    found = [(name, one["figure"] / unit) for name, one in outcomes.items() if "figure" in one]
    found = sorted((pair for pair in found if pair[1] > 0), key=lambda pair: pair[1])
    names = [name for name, _ in found]
    figures = [figure for _, figure in found]
    drawn = axes.barh(names, figures, color=[colour(name) for name in names])
    axes.bar_label(drawn, labels=[f" {figure:.3g}" for figure in figures], fontsize=7)
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def peers() -> None:
    """The comparison."""
    kept = json.loads((RESULTS / "peers.json").read_text())
    figure, grid = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
    for axes, (row, title, unit) in zip(grid.flat, PANELS, strict=True):
        if row in kept["rows"]:
            bars(axes, kept["rows"][row], title, unit)
    where = kept["machine"]
    figure.suptitle(
        f"shorter is better, scales are logarithmic ({where['date']}, {where['processor']})", fontsize=9
    )
    figure.savefig(RESULTS / "peers.svg", metadata={"Date": None})


def growth() -> None:
    """How cost grows with members and with rooms."""
    scenes = {one["name"]: one for one in json.loads((RESULTS / "latest.json").read_text())["scenes"]}
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for who, colouring in (("ours", OURS), ("floor", FLOOR)):
        middle = [
            (count, sorted(run["cpu_us_per_message"] for run in scenes[f"members-{count}"][who]))
            for count in (100, 1_000, 10_000)
            if scenes.get(f"members-{count}", {}).get(who)
        ]
        label = "rtcore" if who == "ours" else "floor"
        left.plot(
            [c for c, _ in middle], [f[len(f) // 2] for _, f in middle], "o-", color=colouring, label=label
        )
    left.set(xscale="log", title="members of a room", ylabel="CPU a delivery, us", ylim=(0, None))
    left.legend(frameon=False)
    counts = [count for count in (1, 100, 1_000) if f"rooms-{count}" in scenes]
    right.plot(counts, [scenes[f"rooms-{count}"]["figure"] for count in counts], "o-", color=OURS)
    right.set(xscale="log", title="rooms of each of 100 sessions", ylim=(0, None))
    figure.savefig(RESULTS / "growth.svg", metadata={"Date": None})


if __name__ == "__main__":
    drawn = 0
    for name, draw in (("peers.json", peers), ("latest.json", growth)):
        if (RESULTS / name).exists():
            draw()
            drawn += 1
    print(
        f"{drawn} pictures in {RESULTS.name}/" if drawn else "nothing is kept yet: make bench",
        file=sys.stderr,
    )
