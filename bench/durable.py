"""What durability costs, beside SQLite alone on the same disk in the same minute: `python -m bench.durable`.

Publishers keep so many messages of 200 bytes in flight over up to 16 connections, or say so many a second,
and each is done when its ack is there: it is on disk then. SQLite alone commits rows of the same size in
groups, with the journal and the syncs that the store has. What is compared is the ratio: disks differ by a
hundred.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .progress import Progress
from .run import play
from .scene import room
from .servers import ROOT, SERVER_CORE, running

SIZE = 200
SERVE = (sys.executable, "-m", "rtcore", "serve", "bench.app_durable:app", "--port", "0")
SHAPES: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("1 in flight", ("--n", "1", "--window", "1"), 1),
    ("16 in flight", ("--n", "16", "--window", "1"), 16),
    ("256 in flight", ("--n", "16", "--window", "16"), 256),
    ("5,000 a second", ("--n", "16", "--rate", "5000"), 256),
)


@contextlib.contextmanager
def on_the_servers_core() -> Iterator[None]:
    """What a server is compared with has the core that the server has, and what else is busy on it."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) == 1:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@on_the_servers_core()
def alone(folder: Path, group: int, seconds: float) -> float:
    """Rows a second that SQLite commits in groups of this size, by itself."""
    file = folder / f"alone-{group}.db"
    known = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "locking_mode=EXCLUSIVE"):
            known.execute(f"PRAGMA {pragma}").fetchall()
        known.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, room INTEGER, time INTEGER, body BLOB)")
        rows, body = 0, b"x" * SIZE
        until = time.perf_counter() + seconds
        began = time.perf_counter()
        while time.perf_counter() < until:
            known.execute("BEGIN IMMEDIATE")
            known.executemany("INSERT INTO entry (room, time, body) VALUES (1, ?, ?)", [(rows, body)] * group)
            known.execute("COMMIT")
            rows += group
        return rows / (time.perf_counter() - began)
    finally:
        known.close()


def plan(kind: str, shape: tuple[str, ...]) -> tuple[str, ...]:
    """The words of one load: each connection has a room of its own, and its acks are what counts."""
    name = f"{kind}:%C"
    publish = f'{{"type":"publish","id":%I,"room":"{name}","event":"m","echo":false,"data":"%M"}}'
    return ("--mode", "acked", "--size", str(SIZE), *shape, *room(name, publish, publisher_joins=True))


@contextlib.contextmanager
def serving(*, free: bool) -> Iterator[tuple[Path, tuple[int, int]]]:
    """A server with a log in a folder that goes with it: the folder, and the server's process and port."""
    folder = Path(tempfile.mkdtemp(prefix="bench-durable-", dir=ROOT / "target"))
    try:
        with running([*SERVE, "--data", str(folder / "data")], free=free) as server:
            yield folder, server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(seconds: int, repeats: int, *, free: bool) -> list[dict[str, Any]]:
    """All rows: each shape in each kind of room, beside SQLite alone."""
    rows: list[dict[str, Any]] = []
    kinds = ("full", "normal", "live")
    progress = Progress(len(SHAPES) * len(kinds) * repeats)
    with serving(free=free) as (folder, server):
        for name, shape, group in SHAPES:
            sole = statistics.median(alone_each(folder, group, repeats))
            for kind in kinds:
                found = []
                for _ in range(repeats):
                    found.append(play(plan(kind, shape), *server, seconds))
                    progress.step()
                rate = statistics.median(each["per_second"] for each in found)
                rows.append(
                    {
                        "shape": name,
                        "room": kind,
                        "rate": rate,
                        "sqlite": sole,
                        "ratio": rate / sole,
                        "p50_ms": statistics.median(each["p50_us"] for each in found) / 1000,
                        "p99_ms": statistics.median(each["p99_us"] for each in found) / 1000,
                    }
                )
    return rows


def alone_each(folder: Path, group: int, repeats: int) -> list[float]:
    """SQLite alone, as often."""
    found = []
    for _ in range(repeats):
        found.append(alone(folder, group, 1.0))
        (folder / f"alone-{group}.db").unlink()
    return found


def asked(prog: str) -> argparse.Namespace:
    """How long each run is, how many there are, and where the server runs."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--free", action="store_true", help="the server and its writer may use both cores")
    return parser.parse_args()


def main() -> None:
    """Measure, and say it."""
    given = asked("python -m bench.durable")
    rows = measure(given.seconds, given.repeats, free=given.free)
    print(f"{'':16}{'room':8}{'messages/s':>12}{'SQLite alone':>14}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}")
    for row in rows:
        print(
            f"{row['shape']:16}{row['room']:8}{row['rate']:>12,.0f}{row['sqlite']:>14,.0f}"
            f"{row['ratio']:>8.2f}{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}"
        )
    out = ROOT / "bench" / "results" / "latest-durable.json"
    out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
