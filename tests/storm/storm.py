"""A real server, programs of their own behind the fault proxy, and `kill -9` of any of them at any moment.

At the end: everybody sees the same, as does who reads the server's folder; each change that an outbox has
taken was done once, or was told to its author as refused or in conflict.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio

from tests.patience import PATIENCE
from tests.proxy import Buffering, Crumbs, Delay, Fault, Idle, NoUpgrade, Proxy, Reset, Stall
from tests.wire.server import ROOT, Server, end_with_parent

SERVER, STOP, PROGRAM, COPY = (
    "kills of the server",
    "stops of the server",
    "kills of programs",
    "kills with a copy",
)
ENDS = (SERVER, SERVER, STOP, PROGRAM, PROGRAM, PROGRAM, PROGRAM, COPY)
TRANSPORTS = ("hybrid", "websocket", "polling", "sse", "hybrid", "websocket")


class Gone(Proxy):
    """Of a server that may not be there: its connections end."""

    async def _carry(self, client: trio.SocketStream) -> None:
        try:
            await super()._carry(client)
        except* OSError:
            await trio.aclose_forcefully(client)


class Storm:
    """One run."""

    def __init__(self, folder: Path, seed: int, people: int, each: int = 8) -> None:
        self.folder, self.dice = folder, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.each = each
        self.names = [f"p{n}" for n in range(people)]
        self.living: dict[str, subprocess.Popen[bytes]] = {}
        self.proxies: dict[str, Proxy] = {}
        self.wrong: list[str] = []
        self.server: Server

    # -- what is there

    def serve(self) -> None:
        """Start the server, on its folder."""
        options = ("--data", str(self.folder / "data"))
        limits = {"ping_ms": 2_000, "silence_ms": 4_000}
        self.server = Server("tests.storm.app", options, limits, folder=ROOT)
        for proxy in self.proxies.values():
            proxy.to = self.server.address

    def start(self, name: str) -> None:
        """Start a program, on its file."""
        self.counts["starts"] += 1
        url = f"http://127.0.0.1:{self.proxies[name].address[1]}"
        transport = TRANSPORTS[self.names.index(name) % len(TRANSPORTS)]
        seed = str(self.counts["starts"])
        command = [sys.executable, "-m", "tests.storm.person", url, str(self.folder), name, transport, seed]
        errors = (self.folder / f"{name}.log").open("ab")
        with errors:
            self.living[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(os.environ, PYTHONPATH=str(ROOT / "python")),
                stdin=subprocess.DEVNULL,
                stderr=errors,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )

    def kill(self, name: str) -> None:
        """`kill -9`."""
        self.living[name].kill()
        self.living[name].wait()

    def said(self) -> set[str]:
        """The marks of all changes that an outbox has taken."""
        found: set[str] = set()
        for path in self.folder.glob("*.said"):
            # (The last line may be half of one.)
            found |= {line[:-1] for line in path.read_text().splitlines(keepends=True) if line[-1] == "\n"}
        return found

    # -- what happens

    async def run(self, ends: Sequence[str]) -> None:
        """As many rounds, each with a weather of its own."""
        self.serve()
        async with trio.open_nursery() as nursery:
            for name in self.names:
                await self.open(nursery, name)
            for end in ends:
                await self.round(end)
            await self.calm()
            nursery.cancel_scope.cancel()
        self.server.terminate()
        if self.server.wait() != 0:
            self.wrong.append(f"the server ended with {self.server.process.returncode}")
        self.server.stop()
        self.judge()

    async def open(self, nursery: trio.Nursery, name: str) -> None:
        """A program behind a proxy of its own."""

        async def carry(task_status: trio.TaskStatus[Proxy] = trio.TASK_STATUS_IGNORED) -> None:
            async with Gone(self.server.address) as proxy:
                task_status.started(proxy)
                await trio.sleep_forever()

        self.proxies[name] = await nursery.start(carry)
        self.start(name)

    async def round(self, end: str) -> None:
        """Weather; it goes on until something was said in it; and an end."""
        dice = self.dice
        for proxy in self.proxies.values():
            fault = dice.choice([
                Fault(), Fault(), Delay(dice.uniform(0, 0.3)), Crumbs(), Stall(dice.randrange(30_000)),
                Reset(dice.randrange(200, 9_000), dice.randrange(1, 6)), Buffering(), NoUpgrade(), Idle(1.0),
            ])  # fmt: skip
            self.turn(proxy, fault)
        before = len(self.said())
        with trio.move_on_after(PATIENCE):
            while len(self.said()) < before + self.each * len(self.names):  # noqa: ASYNC110 - files say it
                await trio.sleep(0.1)
        self.counts[end] += 1
        if end == SERVER:
            self.server.stop()
            self.serve()
        elif end == STOP:
            self.server.terminate()
            await trio.to_thread.run_sync(self.server.wait)
            self.server.stop()
            self.serve()
        else:
            name = dice.choice(self.names)
            self.kill(name)
            if end == COPY:
                self.copy(name)
            self.start(name)

    def copy(self, name: str) -> None:
        """Somebody starts a copy of a file that was not closed; on its way, as a file is for one server."""
        copy = f"c{len(self.names)}"
        for end in (".db", ".db-wal"):
            if (self.folder / f"{name}{end}").exists():
                shutil.copy(self.folder / f"{name}{end}", self.folder / f"{copy}{end}")
        self.names.append(copy)
        self.proxies[copy] = self.proxies[name]
        self.start(copy)

    def turn(self, proxy: Proxy, fault: Fault) -> None:
        """This weather, from now on."""
        if isinstance(proxy.fault, Stall):
            proxy.fault.release()
        proxy.fault = fault
        self.counts[type(fault).__name__.lower()] += 1

    async def calm(self) -> None:
        """Fair weather; nobody changes anything; until everybody sees the same."""
        for proxy in self.proxies.values():
            self.turn(proxy, Fault())
        (self.folder / "calm").touch()
        with trio.move_on_after(3 * PATIENCE):
            while not self.is_over():  # noqa: ASYNC110 - files say it
                await trio.sleep(0.2)
        (self.folder / "over").touch()
        for name, process in self.living.items():
            with trio.move_on_after(PATIENCE):
                while process.poll() is None:  # noqa: ASYNC110 - nothing says so
                    await trio.sleep(0.05)
            if process.poll() != 0:
                self.wrong.append(f"{name} ended with {process.returncode}: see {name}.log")
                self.kill(name)

    def views(self) -> dict[str, dict[str, Any]]:
        """What each program says that it sees."""
        found = {name: self.folder / f"{name}.view" for name in self.names}
        return {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}

    def is_over(self) -> bool:
        """Whether all have everything, and it is the same; or one of them has ended."""
        if any(process.poll() is not None for process in self.living.values()):
            return True
        views = list(self.views().values())
        first = views[0]["views"] if views else None
        return len(views) == len(self.names) and all(
            view["whole"] and view["views"] == first for view in views
        )

    # -- what must hold

    def judge(self) -> None:
        """Whatever happened."""
        views, kept = self.views(), self.kept()
        failed = {mark for view in views.values() for mark in view["failed"]}
        for name in self.names:
            if name not in views or not views[name]["whole"]:
                self.wrong.append(f"{name} waits for something: see {name}.view")
            elif views[name]["views"] != kept:
                self.wrong.append(f"{name} sees something else than the server keeps: see {name}.view")
        done = {mark for card in kept.get("cards:all", {}).values() for mark in card["marks"]["e"]}
        said = self.said()
        self.wrong += [f"{mark} is lost" for mark in sorted(said - done - failed)]
        for key, card in kept.get("cards:all", {}).items():
            count = sum(card["count"]["p"].values()) - sum(card["count"]["n"].values())
            if count != len(card["marks"]["e"]):
                self.wrong.append(f"{key} counts {count} changes, and has marks of {len(card['marks']['e'])}")
        codes = Counter(code for view in views.values() for code in view["codes"])
        self.counts |= Counter({"said": len(said), "done": len(done), **codes})

    def kept(self) -> dict[str, dict[str, Any]]:
        """What is on the server's disk, by `rtcore data`."""
        command = [sys.executable, "-m", "rtcore", "data", str(self.folder / "data"), "export"]
        env = dict(os.environ, PYTHONPATH=str(ROOT / "python"))
        told = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
        found: dict[str, dict[str, Any]] = {"cards:all": {}, "asked:all": {}, "plain:all": {}}
        for line in told.splitlines():
            row = json.loads(line)
            found[row["collection"]][row["key"]] = row["value"]
        return found
