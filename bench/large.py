"""A start with a large log: `python -m bench.large --entries 10000000`.

The store itself fills a log with so many entries of 200 bytes in a thousand rooms and ends as a crash does
(`rust/store/examples/fill.rs`). Then the server is started with it, killed and started again. What is told of
each start: how long until the port answers, until a client that joined a room has its last hundred entries,
and what memory is resident then, beside the same start with an empty log. The folder is deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import trio

import rtcore

from .servers import ROOT, SERVER_CORE, pinned

FILL = ROOT / "target" / "release" / "examples" / "fill"
PAGE_KIB = 4
LAST = 100
"""How much of a room's past is read after a start."""
PATIENCE = 60.0
"""The longest that is waited for a start (s)."""


def resident(pid: int) -> float:
    """Of a process, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB / 1024


def busy(pid: int) -> float:
    """Of a process, the time that it computed so far (s): what a start takes where nothing else runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answers(port: int, until: float) -> None:
    """Wait until the port answers a request.

    Raises:
        TimeoutError: it did not until then (`time.perf_counter`).

    """
    while time.perf_counter() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as link:
                link.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if link.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            time.sleep(0.002)
    raise TimeoutError(f"port {port} does not answer after {PATIENCE:.0f} s")


async def heard(room: rtcore.client.Room, wanted: int) -> int:
    """How many of so many entries come."""
    count = 0
    with trio.move_on_after(10):
        async for _ in room:
            count += 1
            if count == wanted:
                break
    return count


async def read(port: int) -> int:
    """How many entries a client that joins gets of the room's past."""
    async with rtcore.connect(f"http://127.0.0.1:{port}", transport="websocket") as client:
        room = await client.join("full:7", last=LAST)
        return await heard(room, LAST)


def start(data: Path, full: bool) -> dict[str, float]:
    """One start, to its kill."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "rtcore", "serve", "bench.app_durable:app", "--port", str(port)]
    began = time.perf_counter()
    with (ROOT / "target" / "bench-server.log").open("ab") as log:
        process = subprocess.Popen(
            pinned(SERVER_CORE, [*command, "--data", str(data)]),
            cwd=ROOT,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        answers(port, began + PATIENCE)
        told = {"answers_s": time.perf_counter() - began, "busy_s": busy(process.pid)}
        told["resident_mib"] = resident(process.pid)
        asked = time.perf_counter()
        told["entries"] = trio.run(read, port) if full else 0
        told["read_s"] = time.perf_counter() - asked
        told["then_mib"] = resident(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return told


def main() -> None:
    """Fill, start, tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.large")
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--data", type=Path, help="a folder that is filled already; it is kept")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-large-", dir=ROOT / "target"))
    try:
        data = given.data
        if data is None:
            data = folder / "data"
            build = [
                "cargo",
                "build",
                "--release",
                "--locked",
                "--quiet",
                "-p",
                "rtcore-store",
                "--example",
                "fill",
            ]
            subprocess.run(build, cwd=ROOT, check=True)
            subprocess.run([str(FILL), str(data), str(given.entries)], check=True)
        told = {}
        for name, where in (("empty", folder / "empty"), ("full", data)):
            starts = [start(where, name == "full") for _ in range(given.starts)]
            told[name] = {key: round(statistics.median(each[key] for each in starts), 3) for key in starts[0]}
            told[name]["mib_on_disk"] = (where / "log.db").stat().st_size >> 20
            print(name, json.dumps(told[name]), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
