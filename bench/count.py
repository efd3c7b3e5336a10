"""`python -m bench.count [--before DIR] [SCENE …]`: how many instructions a message costs, by valgrind.

Times vary by several per cent on a machine that others use, instructions do not: two runs of the same code
differ by some thousandths, so what a change costs shows at once. Counted are those of Python and of the core,
not the kernel's.

The core is built as for a release, in a directory of its own (`target/count`; with `rustix_use_libc`, since
valgrind does not know each system call that the server makes without it). A server is played to twice, so
many messages and then more of them; told is by how much the second count is above the first, for each message
more: connecting and joining are in both. With `--before DIR`, a checkout of an older commit, the same is done
there, and the ratio is told.

What is counted of a fan-out is a delivery. `--keep DIR` keeps the profiles, for `callgrind_annotate`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .progress import Progress
from .report import machine, told
from .run import LoadError, play
from .scene import Scene
from .scenes import SCENES
from .servers import ROOT, ours, running

# What is counted without a word: a request, fan-out in both ways, a handler that publishes, and plain HTTP.
USUAL = ("echo", "events", "say-16", "send", "relay")
# Messages of each play: of the first, with which a server gets warm, and of two that differ in these alone.
SINGLE = (500, 500, 4_500)
# Of a fan-out each is heard by a thousand.
FANNED = (16, 16, 144)
# What starts a server that looks at itself less often than a play takes.
STILL = Path(__file__).with_name("still.py")
# How long a server may take to start (s), fifty times slower than else.
PATIENCE = 600


def built(tree: Path) -> Path:
    """Build the core of a checkout. The library.

    Raises:
        RuntimeError: cargo says why not.

    """
    target = tree / "target" / "count"
    command = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "rtcore-py"]
    known = {**os.environ, "RUSTFLAGS": "--cfg rustix_use_libc", "CARGO_TARGET_DIR": str(target)}
    done = subprocess.run(command, cwd=tree, env=known, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the core of {tree} cannot be built:\n{done.stderr[-2000:]}")
    return next(path for path in target.glob("release/lib_core.*") if path.suffix in (".so", ".dylib"))


@contextlib.contextmanager
def laid_out(tree: Path) -> Iterator[Path]:
    """A directory with the Python of a checkout, its bench application and the core that is counted."""
    library = built(tree)
    with tempfile.TemporaryDirectory(prefix="rtcore-count-") as made:
        into = Path(made)
        for name in ("python", "bench"):
            without = shutil.ignore_patterns("__pycache__", "_core*.so", "results", "native")
            shutil.copytree(tree / name, into / name, ignore=without)
        shutil.copy(library, into / "python/rtcore/_core.abi3.so")
        yield into


def dumped(directory: Path, pid: int) -> int:
    """Have the counters of a server written. How many instructions there were since they were set to zero.

    Raises:
        RuntimeError: valgrind did not write them.

    """
    before = set(directory.glob("counted.*"))
    control("--dump", pid)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for path in set(directory.glob("counted.*")) - before:
            # It is written while the server waits, from its beginning to the line of totals.
            text = path.read_text()
            if match := re.search(r"^summary: (\d+)", text, re.MULTILINE) if "\ntotals:" in text else None:
                return int(match[1])
        time.sleep(0.05)
    raise RuntimeError("valgrind did not write what it counted")


def control(what: str, pid: int) -> None:
    """Tell the valgrind of a server to do something with its counters."""
    subprocess.run(["callgrind_control", what, str(pid)], check=True, capture_output=True)


def measured(scene: Scene, tree: Path, laid: Path, dumps: Path) -> float:
    """Instructions of a message (or a delivery) of a scene.

    Raises:
        LoadError: not everything was delivered to everyone, in order.
        RuntimeError: the server did not start.

    """
    dumps.mkdir(parents=True, exist_ok=True)
    python, _, _, *serve = ours(tree)
    counting = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={dumps / 'counted'}"]
    command = [*counting, python, "-P", str(STILL), *serve]
    # Neither pings nor ends of sessions belong to a message, and here they would come in the midst of them.
    command += [word for limit in ("ping_ms=10min", "resume_ms=1h") for word in ("--limit", limit)]
    environment = {"PYTHONPATH": f"{laid / 'python'}:{laid}", "PYTHONHASHSEED": "0"}
    fans = "fanout" in scene.load
    counts: list[int] = []
    messages: list[int] = []
    with running(command, laid, PATIENCE, environment) as (pid, port):
        for number in FANNED if fans else SINGLE:
            control("--zero", pid)
            figures = play((*scene.load, "--messages", str(number)), pid, port, 0)
            counts.append(dumped(dumps, pid))
            messages.append(figures["messages"])
    return (counts[-1] - counts[-2]) / (messages[-1] - messages[-2])


def main() -> int:
    """Read the command line, count, tell. 0 when every scene could be played."""
    names = [scene.name for scene in SCENES if scene.measure == "cpu" and "--rate" not in scene.load]
    parser = argparse.ArgumentParser(
        prog="python -m bench.count",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "scenes",
        nargs="*",
        metavar="SCENE",
        help=f"of {', '.join(names)}; without any, {', '.join(USUAL)}",
    )
    parser.add_argument("--before", type=Path, help="a checkout of the commit to compare with, built")
    parser.add_argument("--keep", type=Path, help="a directory in which the profiles are kept")
    given = parser.parse_args()
    if unknown := set(given.scenes) - set(names):
        parser.error(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if not (shutil.which("valgrind") and shutil.which("callgrind_control")):
        parser.error("instructions are counted by valgrind. On Debian:  apt-get install valgrind")
    trees = ([given.before.resolve()] if given.before else []) + [ROOT]
    for tree in trees:
        if not (tree / ".venv/bin/python").exists():
            parser.error(f"{tree} is not built: run `make build` there first")
    chosen = [scene for scene in SCENES if scene.name in (given.scenes or USUAL)]
    progress = Progress(len(chosen) * len(trees))
    lines = (
        ["| scene | before | now | |", "|---|---|---|---|"]
        if given.before
        else ["| scene | now |", "|---|---|"]
    )
    failed = False
    with contextlib.ExitStack() as stack:
        kept = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rtcore-counts-")))
        progress.show("building")
        laid = [stack.enter_context(laid_out(tree)) for tree in trees]
        for scene in chosen:
            progress.show(scene.name)
            figures = []
            try:
                for number, tree in enumerate(trees):
                    figures.append(measured(scene, tree, laid[number], kept / f"{scene.name}-{number}"))
                    progress.step()
            except (LoadError, RuntimeError) as failure:
                failed = True
                lines.append(f"| {scene.name} | FAILED: {str(failure).splitlines()[0]} |")
                continue
            ratio = f" {figures[1] / figures[0]:.3f} |" if given.before else ""
            lines.append(f"| {scene.name} | {' | '.join(f'{figure:,.0f}' for figure in figures)} |{ratio}")
    print(file=sys.stderr)
    print("\n".join([*lines, "", told(machine())]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
