"""`python -m bench [SCENE …]`: measure rtcore against the floor, print the tables, keep the figures.

Each figure is the median over repeats in which the floor and the server are measured in turn, one core for
the server and one for the load. Other work on the machine is seen in it: close what you can.
`python -m bench.compare` measures it beside other servers.
"""

from __future__ import annotations

import argparse
import sys

from .judge import Result
from .profile import profile
from .progress import Progress
from .report import keep, machine, scenes, told
from .run import LoadError, measure
from .scene import Scene
from .scenes import SCENES
from .servers import PROGRAMS


def runs_of(scene: Scene, repeats: int | None) -> int:
    """How many runs of the load a scene takes."""
    return (repeats or scene.repeats) * (2 if scene.floor else 1)


def main() -> int:
    """Read the command line, measure, report. 0 when every target is met."""
    names = [scene.name for scene in SCENES]
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(names)}; without any, all")
    parser.add_argument("--seconds", type=int, help="length of a run (4)")
    parser.add_argument("--repeats", type=int, help="runs of a scene (5, or 3 for those without a target)")
    parser.add_argument("--profile", metavar="SCENE", choices=names, help="show where its time goes, by perf")
    given = parser.parse_args()
    if given.profile:
        return profile(next(scene for scene in SCENES if scene.name == given.profile))
    if unknown := set(given.scenes) - set(names):
        parser.error(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if not (PROGRAMS / "load").exists():
        parser.error("the load is not built: cargo build --release -p rtcore-bench  (make bench does it)")
    chosen = [scene for scene in SCENES if not given.scenes or scene.name in given.scenes]
    progress = Progress(sum(runs_of(scene, given.repeats) for scene in chosen))
    results: list[Result] = []
    for scene in chosen:
        progress.show(scene.name)
        try:
            results.append(measure(scene, seconds=given.seconds, repeats=given.repeats, step=progress.step))
        except LoadError as failure:
            why = str(failure).splitlines()[0]
            results.append(Result(scene.name, scene.title, "", f"FAILED: {why}", good=False, figure=0.0))
    print(file=sys.stderr)
    where = machine()
    text = f"{scenes(results)}\n\n{told(where)}"
    print(text)
    stem = "latest" if not given.scenes else "latest-" + "-".join(given.scenes)
    keep(stem, text, {"machine": where, "scenes": [result.as_dict() for result in results]})
    return 1 if any(result.good is False for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
