"""Play parts with Autobahn's fuzzing client, two at a time, and say how far it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import BinaryIO, NamedTuple

import trio

from . import autobahn
from .parts import Part

AT_ONCE = 2
# Autobahn gives up a case after 480 s; a part that says nothing for longer is stuck.
SILENCE = 600
CASE = re.compile(r"Running test case ID ([\d.]+)")


class Result(NamedTuple):
    """What Autobahn says of one case, and why."""

    run: str
    case: str
    behaviour: str
    close: str
    why: str


class Bar:
    """How far it is: a bar on a terminal, else a line for each tenth."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.told = 0

    def step(self, what: str) -> None:
        """One more case begins."""
        self.done += 1
        if sys.stderr.isatty():
            full = 40 * self.done // self.total
            bar = "#" * full + "." * (40 - full)
            print(f"\r[{bar}] {self.done}/{self.total} {what:<24}", end="", file=sys.stderr, flush=True)
        elif self.done * 10 // self.total > self.told:
            self.told = self.done * 10 // self.total
            print(f"{self.done} of {self.total} cases", file=sys.stderr, flush=True)


async def play(python: str, origin: str, todo: list[Part], folder: Path, total: int) -> list[Result]:
    """All results of all parts. A case that was not played is not among them."""
    waiting = deque(todo)
    bar = Bar(total)
    results: list[Result] = []

    async def worker() -> None:
        while waiting:
            part = waiting.popleft()
            results.extend(await one(python, origin, part, folder / part.name, bar))

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(worker)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return results


def prepare(origin: str, part: Part, folder: Path) -> Path:
    """Make the folder of a part, and the file that tells Autobahn what to play."""
    folder.mkdir(parents=True)
    spec = {
        "outdir": str(folder),
        "servers": [{"agent": part.run, "url": f"ws://{origin}/{part.run}"}],
        "cases": list(part.cases),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    file = folder / "spec.json"
    file.write_text(json.dumps(spec))
    return file


async def one(python: str, origin: str, part: Part, folder: Path, bar: Bar) -> list[Result]:
    """Play one part; its reports, made for people and for programs, are in `folder`."""
    spec = prepare(origin, part, folder)
    command, env = autobahn.wstest(python, "-m", "fuzzingclient", "-s", str(spec))
    with (folder / "wstest.log").open("wb") as log:
        process = await trio.lowlevel.open_process(
            command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=log
        )
        try:
            await follow(process, part, log, bar)
        finally:
            process.kill()  # does nothing to one that has ended
            with trio.CancelScope(shield=True):
                await process.wait()
    return read(part.run, folder)


async def follow(process: trio.Process, part: Part, log: BinaryIO, bar: Bar) -> None:
    """Read what Autobahn says, until it ends, or says nothing for too long."""
    assert process.stdout is not None
    rest = b""
    with trio.move_on_after(SILENCE) as silence:
        async for chunk in process.stdout:
            silence.deadline = trio.current_time() + SILENCE
            log.write(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if found := CASE.search(line.decode(errors="replace")):
                    bar.step(f"{part.run} {found[1]}")
        await process.wait()
    if silence.cancelled_caught:
        print(f"\n{part.name}: nothing for {SILENCE} s, ended; see {log.name}", flush=True)


def read(run: str, folder: Path) -> list[Result]:
    """The results that Autobahn left in its folder."""
    index = folder / "index.json"
    if not index.exists():
        return []
    results = []
    for case, found in json.loads(index.read_text()).get(run, {}).items():
        report = json.loads((folder / found["reportfile"]).read_text())
        why = f"{report['result']} {report['resultClose']}"
        results.append(Result(run, case, found["behavior"], found["behaviorClose"], why))
    return results
