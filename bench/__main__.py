"""`python -m bench [SCENE …]`: measure, print the table, keep the figures in bench/results.

Each figure is the median over repeats in which the floor and the server are measured in turn, one core for
the server and one for the load. Other work on the machine is seen in it: close what you can.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .run import PROGRAMS, ROOT, Result, measure, play, server
from .scenes import SCENES, Scene

RESULTS = Path(__file__).parent / "results"


class Progress:
    """A bar on standard error: how far, which scene, how long still."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done, self.begin, self.title = steps, 0, time.monotonic(), ""

    def show(self) -> None:
        """Draw it."""
        share = self.done / self.steps if self.steps else 1.0
        past = time.monotonic() - self.begin
        left = f", {past / share - past:.0f} s left" if 0 < share < 1 else ""
        bar = "█" * round(share * 24) + "░" * (24 - round(share * 24))
        end = "\r" if sys.stderr.isatty() else "\n"
        print(
            f"{bar} {self.done}/{self.steps} {self.title}{left}".ljust(100),
            end=end,
            file=sys.stderr,
            flush=True,
        )

    def step(self) -> None:
        """One run more is done."""
        self.done += 1
        self.show()


def runs_of(scene: Scene, repeats: int | None) -> int:
    """How many runs of the load a scene takes."""
    return (repeats or scene.repeats) * (2 if scene.floor else 1)


def table(results: Sequence[Result]) -> str:
    """The table, as Markdown."""
    rows = [("scene", "at most", "measured", ""), ("---", "---", "---", "---")]
    rows += [(r.title, r.target, r.value, "" if r.good else "above") for r in results]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def machine() -> str:
    """What it was measured on, in a line."""
    cpu = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        cpu = f"{names[0]}, {len(names)} cores" if names else cpu
    return f"{cpu}; Linux {platform.release().split('-')[0]}; CPython {platform.python_version()}"


def profile(scene: Scene) -> int:
    """Where the time of a scene goes: perf beside the load, functions with their share."""
    if not shutil.which("perf"):
        print("make profile needs perf. On Debian:  apt-get install linux-perf", file=sys.stderr)
        return 1
    data = ROOT / "target" / "bench-perf.data"
    with server() as (pid, port):
        play(scene.load, pid, port, 1)
        recorder = subprocess.Popen(
            ["perf", "record", "-q", "-F", "2000", "-g", "-p", str(pid), "-o", str(data)],
            stderr=subprocess.DEVNULL,
        )
        figures = play(scene.load, pid, port, scene.seconds)
        recorder.terminate()
        recorder.wait()
    print(
        f"{scene.title}: {figures['cpu_us_per_message']:.2f} us CPU a message,"
        f" {figures['per_second']:.0f} a second\n"
    )
    shown = [
        "perf",
        "report",
        "-i",
        str(data),
        "--no-children",
        "-g",
        "none",
        "--percent-limit",
        "0.5",
        "--stdio",
    ]
    return subprocess.run(shown, stderr=subprocess.DEVNULL, check=False).returncode


def main() -> int:
    """Read the command line, measure, report. 0 when every target is met."""
    names = [scene.name for scene in SCENES]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(names)}; without any, all")
    parser.add_argument("--seconds", type=int, help="length of a run (4)")
    parser.add_argument("--repeats", type=int, help="runs of a scene (5)")
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
        progress.title = scene.name
        progress.show()
        results.append(measure(scene, seconds=given.seconds, repeats=given.repeats, step=progress.step))
    print(file=sys.stderr)
    text = f"{table(results)}\n\n{machine()}; {datetime.date.today().isoformat()}"  # noqa: DTZ011  the reader's own day
    print(text)
    RESULTS.mkdir(exist_ok=True)
    stem = "latest" if not given.scenes else "latest-" + "-".join(given.scenes)
    (RESULTS / f"{stem}.md").write_text(text + "\n")
    (RESULTS / f"{stem}.json").write_text(
        json.dumps([result.as_dict() for result in results], indent=1) + "\n"
    )
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
