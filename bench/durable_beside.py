"""Other logs that sync before they acknowledge, beside ours: `python -m bench.durable_beside`.

The same 200 bytes, over as many connections with as many in flight, on the same disk, by turns: a durable
relay room here, Redis Streams with `appendfsync always` (redis-server and redis-benchmark from the
distribution), NATS JetStream with `sync_interval: always` (`native/nats`, built with Go), and SQLite alone,
which commits in groups of what is in flight. Each server is on one core and its load on the other. What is
not here is named and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .durable import SERVE, SIZE, alone, plan
from .progress import Progress
from .run import play
from .servers import LOAD_CORE, ROOT, SERVER_CORE, pinned, running

NATS = ROOT / "target" / "peers" / "nats"
SOURCE = ROOT / "bench" / "native" / "nats"
SHAPES: tuple[tuple[str, int, int], ...] = (("1 in flight", 1, 1), ("256 in flight", 16, 16))
"""Name, connections, in flight on each."""
Figures = dict[str, float]
Load = Callable[[int, int, int], Figures]


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Load]:
    """Redis Streams. Each connection adds to one of 16 streams."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    command = ["redis-server", *words, "--appendonly", "yes", "--appendfsync", "always"]
    with subprocess.Popen(pinned(SERVER_CORE, command), stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(1000):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.01)
            yield lambda connections, window, seconds: _redis_load(port, connections, window, seconds)
        finally:
            server.terminate()


def _redis_load(port: int, connections: int, window: int, seconds: int) -> Figures:
    def run(count: int) -> dict[str, str]:
        words = [
            "-p",
            str(port),
            "-c",
            str(connections),
            "-P",
            str(window),
            "-n",
            str(count),
            "-r",
            "16",
            "--csv",
        ]
        command = ["redis-benchmark", *words, "XADD", "bench:__rand_int__", "*", "m", "x" * SIZE]
        done = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, text=True, check=True)
        return next(iter(csv.DictReader(done.stdout.splitlines())))

    # It is told a count and no time: a short run says how many are so many seconds.
    few = run(connections * window * 20)
    figures = run(max(connections * window * 20, int(float(few["rps"]) * seconds)))
    milli = 1000.0
    return {
        "per_second": float(figures["rps"]),
        "p50_us": float(figures["p50_latency_ms"]) * milli,
        "p99_us": float(figures["p99_latency_ms"]) * milli,
    }


@contextlib.contextmanager
def nats(folder: Path) -> Iterator[Load]:
    """NATS JetStream, a stream for each connection."""
    with running([str(NATS), "serve", str(folder)]) as (_, port):

        def load(connections: int, window: int, seconds: int) -> Figures:
            words = [str(NATS), "load", str(port), str(connections), str(window), str(seconds)]
            done = subprocess.run(pinned(LOAD_CORE, words), capture_output=True, text=True, check=True)
            figures: Figures = json.loads(done.stdout)
            return figures

        yield load


@contextlib.contextmanager
def ours(folder: Path) -> Iterator[Load]:
    """A durable relay room for each connection."""
    with running([*SERVE, "--data", str(folder)]) as server:

        def load(connections: int, window: int, seconds: int) -> Figures:
            shape = ("--n", str(connections), "--window", str(window))
            figures: Figures = play(plan("full", shape), *server, seconds)
            return figures

        yield load


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Load]:
    """SQLite alone: no network, no second thread, and all that is in flight in one group."""

    def load(connections: int, window: int, seconds: int) -> Figures:
        group = connections * window
        rate = alone(folder, group, seconds)
        (folder / f"alone-{group}.db").unlink()
        return {"per_second": rate, "p50_us": group / rate * 1e6, "p99_us": 0.0}

    yield load


KINDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Load]]] = {
    "rtcore": ours,
    "Redis Streams": redis,
    "NATS JetStream": nats,
    "SQLite alone": sqlite,
}


def missing(name: str) -> str | None:
    """Why one cannot be measured here, and what to do; none: it can."""
    if name == "Redis Streams" and not (shutil.which("redis-server") and shutil.which("redis-benchmark")):
        return "redis-server is not here. Remedy: apt-get install redis-server"
    if name == "NATS JetStream" and not NATS.exists():
        if not shutil.which("go"):
            return "Go is not here. Remedy: see https://go.dev/dl"
        NATS.parent.mkdir(parents=True, exist_ok=True)
        build = ["go", "build", "-o", str(NATS), "."]
        done = subprocess.run(build, cwd=SOURCE, env=os.environ, capture_output=True, text=True, check=False)
        return done.stderr[-400:] if done.returncode else None
    return None


def measure(seconds: int, repeats: int) -> list[dict[str, Any]]:
    """All of them by turns; the medians."""
    names = []
    for name in KINDS:
        if why := missing(name):
            print(f"{name} is left out: {why}", file=sys.stderr)
        else:
            names.append(name)
    folder = Path(tempfile.mkdtemp(prefix="bench-durable-", dir=ROOT / "target"))
    progress = Progress(len(names) * len(SHAPES) * repeats)
    found: dict[tuple[str, str], list[Figures]] = {}
    try:
        with contextlib.ExitStack() as stack:
            loads = {}
            for name in names:
                place = folder / name.split()[0].lower()
                place.mkdir()
                loads[name] = stack.enter_context(KINDS[name](place))
            for _ in range(repeats):
                for shape, connections, window in SHAPES:
                    for name, load in loads.items():
                        found.setdefault((shape, name), []).append(load(connections, window, seconds))
                        progress.step()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        {
            "shape": shape,
            "name": name,
            **{key: statistics.median(run[key] for run in runs) for key in runs[0]},
        }
        for (shape, name), runs in found.items()
    ]


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(prog="python -m bench.durable_beside")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    rows = measure(given.seconds, given.repeats)
    print(f"{'':16}{'':16}{'messages/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for row in rows:
        last = f"{row['p99_us'] / 1000:>9.2f}" if row["p99_us"] else f"{'':>9}"
        print(
            f"{row['shape']:16}{row['name']:16}{row['per_second']:>12,.0f}{row['p50_us'] / 1000:>9.2f}{last}"
        )
    (ROOT / "bench" / "results" / "latest-durable-beside.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
