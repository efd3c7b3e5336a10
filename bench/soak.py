"""`python -m bench.soak --minutes 10`: everything at once, for long, and whether memory stays flat.

A mixed load (echoes, publishes, joins and leaves, resumes, raw sockets, slow readers, refused handshakes,
compressed messages) runs against a server process. Each second its memory, descriptors, sessions and
connections are looked at, and the p99 of a pair that talks beside the load. The verdict is about the second
half: a line through its memory may rise by no more than a bound. Results: bench/results/soak.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .crowd import Crowd, raise_descriptors
from .report import RESULTS, machine, told
from .servers import running
from .soak_load import RATE, Load

# How fast memory may grow over the second half (KB a minute): what allocators and tables do by chance.
BOUND = 128.0
LIMITS = {"ping_ms": 2000, "silence_ms": 3000, "resume_ms": 6000, "close_ms": 1000}
PAGE = os.sysconf("SC_PAGESIZE")
MEASURES = 50  # messages of the pair in a second


@dataclass(frozen=True)
class Sample:
    """One second."""

    second: int
    resident_kb: int
    descriptors: int
    sessions: int
    connections: int
    p99_ms: float


def slope(samples: list[Sample]) -> float:
    """The slope of memory by least squares (KB a minute)."""
    if len(samples) < 2:
        return 0.0
    middle = sum(one.second for one in samples) / len(samples)
    mean = sum(one.resident_kb for one in samples) / len(samples)
    above = sum((one.second - middle) * (one.resident_kb - mean) for one in samples)
    below = sum((one.second - middle) ** 2 for one in samples)
    return above / below * 60


def metrics(port: int) -> dict[str, float]:
    """/metrics of the server."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        body = b""
        while chunk := link.recv(1 << 16):
            body += chunk
    found = re.findall(r"^rtcore_current_(\w+) (\S+)$", body.decode(), re.MULTILINE)
    return {name: float(value) for name, value in found}


def look(pid: int, port: int, second: int, took: list[float]) -> Sample:
    """What is so now."""
    seen = metrics(port)
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE // 1024
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    took.sort()
    p99 = took[int(len(took) * 0.99)] * 1e3 if took else 0.0
    return Sample(
        second, resident, descriptors, int(seen["sessions"]), int(seen["connections"]), round(p99, 2)
    )


def show(sample: Sample, seconds: int) -> None:
    """The bar."""
    share = min(1.0, sample.second / seconds)
    bar = "█" * round(share * 24) + "░" * (24 - round(share * 24))
    line = (
        f"{bar} {sample.second}/{seconds} s  {sample.resident_kb / 1024:.1f} MB  "
        f"{sample.descriptors} descriptors  {sample.sessions} sessions  p99 {sample.p99_ms:.1f} ms"
    )
    terminal = sys.stderr.isatty()
    if terminal or sample.second % 30 == 0:
        print(line.ljust(100), end="\r" if terminal else "\n", file=sys.stderr, flush=True)


def play(pid: int, port: int, seconds: int) -> tuple[list[Sample], Load]:
    """Run the load, and look each second."""
    samples: list[Sample] = []
    with Crowd(("127.0.0.1", port)) as crowd:
        load = Load(crowd)
        load.begin()
        began = time.monotonic()
        steps = measures = 0
        while (past := time.monotonic() - began) < seconds:
            while steps < past * RATE:
                load.step()
                steps += 1
            if measures < past * MEASURES:
                load.measure()
                measures += 1
            crowd.turn(0.001)
            if past >= len(samples) + 1:
                load.keep_slow()
                samples.append(look(pid, port, len(samples) + 1, load.took))
                load.took = []
                show(samples[-1], seconds)
    return samples, load


def verdict(samples: list[Sample], load: Load, seconds: int) -> tuple[bool, str]:
    """Whether it was flat, and the page that says so."""
    half = samples[len(samples) // 2 :]
    rise = slope(half)
    flat = rise <= BOUND
    p99 = sorted(one.p99_ms for one in half)[len(half) // 2]
    done = ", ".join(f"{count:,} {name}" for name, count in asdict(load.counts).items())
    rows = [
        "| | first second | in the middle | last second |",
        "|---|---|---|---|",
    ]
    three = (samples[0], half[0], samples[-1])
    for title, name in (
        ("memory, KB", "resident_kb"),
        ("descriptors", "descriptors"),
        ("sessions", "sessions"),
        ("connections", "connections"),
        ("p99, ms", "p99_ms"),
    ):
        rows.append(f"| {title} | " + " | ".join(f"{getattr(one, name):,}" for one in three) + " |")
    text = (
        f"# Soak: {seconds / 60:g} minutes, {'flat' if flat else 'NOT flat'}\n\n"
        f"Memory over the second half: {rise:+.1f} KB a minute; at most {BOUND:g}.\n"
        f"The pair's p99 in a second, the middle of the second half: {p99:.2f} ms.\n\n"
        + "\n".join(rows)
        + f"\n\nDone: {done}.\n\n{told(machine())}\n"
    )
    return flat, text


def main() -> int:
    """Play, judge, keep. 0 when it was flat."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    seconds = max(2, round(parser.parse_args().minutes * 60))
    raise_descriptors(4096)
    command = [sys.executable, "-m", "rtcore", "serve", "bench.soak_app:app", "--port", "0"]
    for name, value in LIMITS.items():
        command += ["--limit", f"{name}={value}"]
    with running(command) as (pid, port):
        samples, load = play(pid, port, seconds)
    flat, text = verdict(samples, load, seconds)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "soak.md").write_text(text)
    kept = {"flat": flat, "counts": asdict(load.counts), "samples": [asdict(one) for one in samples]}
    (RESULTS / "soak.json").write_text(json.dumps(kept) + "\n")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
