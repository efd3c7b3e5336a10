"""Play a scene: a server on core 0, the load on core 1, the floor in between, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .scenes import Scene

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(os.environ.get("BENCH_PROGRAMS", ROOT / "target" / "release"))
SERVER_CORE, LOAD_CORE = 0, 1
# What the measured server logs, for when it fails.
LOG = ROOT / "target" / "bench-server.log"


def pinned(core: int, command: list[str]) -> list[str]:
    """Keep a command on one core, where there are two."""
    return ["taskset", "-c", str(core), *command] if (os.cpu_count() or 1) > 1 else command


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[tuple[int, int]]:
    """A server, until the block ends. Gives its process id and the port that it says it listens on."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        # taskset replaces itself by the command: the process id stays the same.
        process = subprocess.Popen(
            pinned(SERVER_CORE, command),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        seen = ""
        for line in process.stdout:
            seen += line
            if match := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                # What it says later is read and dropped, so that it never waits for us.
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield process.pid, int(match[1])
                return
        raise RuntimeError(f"{command[0]} did not start: {seen}{LOG.read_text()[-2000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def floor_of(kind: str) -> contextlib.AbstractContextManager[tuple[int, int]]:
    """The least that a server can do."""
    return running([str(PROGRAMS / "floor"), "--port", "0", "--mode", kind])


def server() -> contextlib.AbstractContextManager[tuple[int, int]]:
    """The server that is measured, as a user starts it."""
    return running([sys.executable, "-m", "rtcore", "serve", "bench.app:app", "--port", "0"])


def play(load: tuple[str, ...], pid: int, port: int, seconds: int) -> dict[str, Any]:
    """Run the load once. Its figures."""
    command = [str(PROGRAMS / "load"), *load, "--port", str(port), "--pid", str(pid)]
    if "--seconds" not in load:
        command += ["--seconds", str(seconds)]
    done = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}{LOG.read_text()[-2000:]}")
    return dict(json.loads(done.stdout))


@dataclass
class Result:
    """What came of a scene: the figure that the target speaks of, and all that it was made from."""

    name: str
    title: str
    target: str
    value: str
    good: bool
    figure: float
    latency: float | None = None
    ours: list[dict[str, Any]] = field(default_factory=list)
    floor: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For the results file."""
        return asdict(self)


def measure(scene: Scene, *, seconds: int | None, repeats: int | None, step: Any) -> Result:
    """Play a scene as often as it says, floor and server in turn. `step` is called after each run."""
    times = repeats or scene.repeats
    length = seconds or scene.seconds
    ours: list[dict[str, Any]] = []
    floor: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        beside = stack.enter_context(floor_of(scene.floor)) if scene.floor else None
        # Memory and connects are those of a fresh server; else one server serves all repeats.
        fresh = scene.measure in ("connect", "resident", "growth")
        kept = None if fresh else stack.enter_context(server())
        if kept:
            play(scene.load, *kept, 1)  # warm: the first second compiles, imports and grows tables
        for _ in range(times):
            if beside:
                floor.append(play(scene.floor_load, *beside, length))
                step()
            if kept:
                ours.append(play(scene.load, *kept, length))
            else:
                with server() as (pid, port):
                    ours.append(play(scene.load, pid, port, length))
            step()
    return judged(scene, ours, floor)


def judged(scene: Scene, ours: list[dict[str, Any]], floor: list[dict[str, Any]]) -> Result:
    """Hold what was measured against the target."""

    def ratio(name: str) -> float:
        return float(statistics.median(a[name] / b[name] for a, b in zip(ours, floor, strict=True)))

    def middle(name: str) -> float:
        return float(statistics.median(run[name] for run in ours))

    latency = None
    match scene.measure:
        case "cpu" | "cpu+latency":
            figure = ratio("cpu_us_per_message")
            value = f"{figure:.3g} x floor"
            target = f"{scene.target:g} x floor"
            good = figure <= scene.target
            if scene.latency_target is not None:
                latency = ratio("p50_us")
                value += f", round trip {latency:.2f} x"
                target += f", round trip {scene.latency_target:g} x"
                good = good and latency <= scene.latency_target
        case "connect":
            figure = middle("connect_cpu_us")
            value, target, good = f"{figure:.0f} us CPU", f"{scene.target:g} us CPU", figure <= scene.target
        case "resident":
            figure = middle("resident_per_connection")
            value = f"{figure / 1024:.1f} KB per session"
            target, good = f"{scene.target / 1024:g} KB per session", figure <= scene.target
        case "growth":
            figure = statistics.median(run["resident_after"] - run["resident_before"] for run in ours)
            value = f"{figure / 2**20:.0f} MB"
            target, good = f"{scene.target / 2**20:.0f} MB", figure <= scene.target
    return Result(scene.name, scene.title, target, value, good, figure, latency, ours, floor)
