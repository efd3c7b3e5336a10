"""`python -m bench.pairs BEFORE [SCENE …]`: what a change costs, scene by scene, beside another checkout.

BEFORE is a checkout of an older commit in which `make build` was done. Both servers are up at once on the
server's core, and the same load plays to one and to the other by turns (before, now, now, before, …), so that
a minute in which the machine is slow is slow for both. Told is the median of the ratios of the pairs, now to
before: above 1 is worse. The spread of the pairs stands beside it; what lies within the spread of equal code
is noise.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
from pathlib import Path
from typing import Any

from .judge import FIGURES
from .progress import Progress
from .report import keep, machine, told
from .run import LoadError, play
from .scene import Scene
from .scenes import SCENES
from .servers import PROGRAMS, ROOT, ours, running


def measured(
    scene: Scene, trees: tuple[Path, Path], pairs: int, seconds: int, progress: Progress
) -> list[float]:
    """Play a scene to both by turns. The ratio of its figure, now to before, of each pair.

    Raises:
        LoadError: a run failed, or not everything was delivered to everyone, in order.
        RuntimeError: a server did not start.

    """
    figure = FIGURES[scene.measure]
    ratios = []
    with contextlib.ExitStack() as stack:
        kept = None
        if not scene.fresh:
            kept = [stack.enter_context(running(ours(tree), tree)) for tree in trees]
            for server in kept:
                play(scene.load, *server, 1)  # warm: the first second compiles, imports and grows tables
        for number in range(pairs):
            pair = [0.0, 0.0]
            for which in (0, 1) if number % 2 == 0 else (1, 0):
                if kept:
                    pair[which] = figure(play(scene.load, *kept[which], seconds))
                else:
                    with running(ours(trees[which]), trees[which]) as server:
                        pair[which] = figure(play(scene.load, *server, seconds))
                progress.step()
            ratios.append(pair[1] / pair[0] if pair[0] else 1.0)
    return ratios


def row(scene: Scene, ratios: list[float]) -> str:
    """A line of the table."""
    middle = statistics.median(ratios)
    return f"| {scene.name} | {scene.title} | {middle:.3f} | {min(ratios):.3f} to {max(ratios):.3f} |"


def main() -> int:
    """Read the command line, measure, report. 0 when every scene could be played."""
    names = [scene.name for scene in SCENES]
    parser = argparse.ArgumentParser(
        prog="python -m bench.pairs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, help="a checkout of the commit to compare with, built")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(names)}; without any, all")
    parser.add_argument("--seconds", type=int, default=3, help="length of a run (3)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs of a scene (5)")
    given = parser.parse_intermixed_args()  # scenes may stand behind an option
    before: Path = given.before.resolve()
    if unknown := set(given.scenes) - set(names):
        parser.error(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if not (before / ".venv/bin/python").exists():
        parser.error(f"{before} is not built: run `make build` there first")
    if not (PROGRAMS / "load").exists():
        parser.error(
            "the load is not built: cargo build --release -p rtcore-bench  (make bench-pairs does it)"
        )
    chosen = [scene for scene in SCENES if not given.scenes or scene.name in given.scenes]
    progress = Progress(len(chosen) * given.pairs * 2)
    lines = ["| scene | | now to before | pairs |", "|---|---|---|---|"]
    failed = False
    kept: list[dict[str, Any]] = []
    for scene in chosen:
        progress.show(scene.name)
        try:
            ratios = measured(scene, (before, ROOT), given.pairs, given.seconds, progress)
        except (LoadError, RuntimeError) as failure:
            failed = True
            lines.append(f"| {scene.name} | {scene.title} | FAILED: {str(failure).splitlines()[0]} | |")
            continue
        lines.append(row(scene, ratios))
        kept.append({"scene": scene.name, "ratios": ratios})
    print(file=sys.stderr)
    where = machine()
    text = "\n".join([*lines, "", told(where)])
    print(text)
    keep("latest-pairs", text, {"machine": where, "pairs": kept})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
