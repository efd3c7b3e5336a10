"""`python -m tests.diagnose.crowded`: the console of a server with 10,000 sessions, in Chromium.

It prints when the first figures are on the page, what the server takes of a core without and with a console
that is looked at, and with `--shots DIR` leaves a picture of each page.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from bench.crowd import UPGRADE, Crowd, text

ROOT: Final = Path(__file__).resolve().parents[2]
KEY: Final = "a-key-that-is-long-enough"
ROOMS: Final = 400
TICK: Final = os.sysconf("SC_CLK_TCK")
AT_ONCE: Final = 500
SAID_EACH: Final = 0.05
"""Seconds between two things that somebody says."""


def cpu(process: int) -> float:
    """Seconds of a processor that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def part(process: int, seconds: float) -> float:
    """What it has of one processor, in per cent, in the next seconds."""
    before, began = cpu(process), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu(process) - before) / (time.monotonic() - began)


def served() -> tuple[subprocess.Popen[str], int]:
    """The server, and its port."""
    command = [sys.executable, "-m", "rtcore", "serve", "console_app:app", "--port", "0", "--api-key", KEY]
    server = subprocess.Popen(command, cwd=ROOT / "tests/e2e", stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    while "http://" not in (line := server.stdout.readline()):
        assert line, "the server ended"
    return server, int(line.strip().rpartition(":")[2])


def come(crowd: Crowd, count: int) -> None:
    """So many sessions, each in one of the rooms."""
    members = crowd.add(count)
    for start in range(0, count, AT_ONCE):
        some = members[start : start + AT_ONCE]
        for member in some:
            join = {"type": "join", "id": 1, "room": f"tea:{member.number % ROOMS}"}
            member.connect(UPGRADE + text({"type": "hello"}) + text(join))
        crowd.run(lambda some=some: all(member.session for member in some), 120, "a welcome of each")
    for member in members:
        member.ids = 1


def talk(crowd: Crowd, ended: threading.Event) -> None:
    """Somebody says something now and then, and pings have their answers."""
    dice, due = random.Random(7), time.monotonic()
    while not ended.is_set():
        crowd.turn(0.01)
        if time.monotonic() > due:
            due += SAID_EACH
            member = dice.choice(list(crowd.members))
            member.request("publish", room=f"tea:{member.number % ROOMS}", event="said", data="hello")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--shots", type=Path)
    given = parser.parse_args()
    server, port = served()
    ended = threading.Event()
    try:
        with Crowd(("127.0.0.1", port)) as crowd:
            come(crowd, given.sessions)
            talking = threading.Thread(target=talk, args=(crowd, ended))
            talking.start()
            try:
                time.sleep(3)
                alone = part(server.pid, given.seconds)
                command = [
                    "node",
                    str(Path(__file__).with_name("crowded.mjs")),
                    f"http://127.0.0.1:{port}",
                    KEY,
                ]
                if given.shots is not None:
                    command.append(str(given.shots))
                page = subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
                assert page.stdin is not None and page.stdout is not None  # noqa: PT018
                first = json.loads(page.stdout.readline())
                looked = part(server.pid, given.seconds)
                page.stdin.write("on\n")
                page.stdin.flush()
                pages = json.loads(page.stdout.readline())
                page.wait(60)
            finally:
                ended.set()
                talking.join()
    finally:
        server.terminate()
        server.wait(30)
    print(f"{given.sessions} sessions: the first figures after {first['ms']:.0f} ms")
    print(f"the server: {alone:.1f} % of a core without, {looked:.1f} % with a console that is looked at")
    for name, ms in pages.items():
        print(f"  {name}: shown after {ms:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
