"""A restart under load: `python -m bench.restart --sessions 2000`.

So many sessions of the Python client are in a durable room and in a live one, and some of them say something
all the time. The server is killed (`--end kill`) or told to stop (`--end stop`) and started again on the same
port and folder. What is told: how long until all were live again, how their returns were spread over that
time, whether each was resumed, and whether each heard everything that was acknowledged in the durable room.
`--every 5 --rounds 60` is a rolling kill for five minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import trio

import rtcore

from .servers import ROOT, SERVER_CORE, pinned

TALKERS = 20
"""How many of them publish."""
PACE = 0.2
"""Seconds between what one of them says."""
PATIENCE = 120.0
"""The longest that is waited for anything (s)."""


class Member:
    """One session: who it was, when it came back, and what it heard."""

    def __init__(self, client: rtcore.Client) -> None:
        self.client, self.session = client, client.session
        self.heard: list[int] = []
        self.gaps: list[rtcore.client.Gap] = []
        self.lives = 0
        self.lived = 0.0

    async def listen(self, room: rtcore.client.Room) -> None:
        """To the durable room."""
        async for item in room:
            if isinstance(item, rtcore.client.Gap):
                self.gaps.append(item)
            else:
                self.heard.append(int(item.data))

    async def watch(self) -> None:
        """When it is live, again and again."""
        async for status in self.client.changes():
            if not status.live:
                self.lived = 0.0
            elif not self.lived:
                self.lived, self.lives = trio.current_time(), self.lives + 1


class Restarts:
    """The server and those who are there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None
        self.members: list[Member] = []
        self.said: list[int] = []  # acknowledged
        self.maybe: set[int] = set()  # nobody knows
        self.numbers = 0
        self.quiet = True  # until all are there: who joins later does not hear what was said before

    def start(self) -> None:
        """The next server."""
        command = [sys.executable, "-m", "rtcore", "serve", "bench.app_durable:app", "--port", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                pinned(SERVER_CORE, [*command, "--data", str(self.folder / "data")]),
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def end(self, how: signal.Signals) -> None:
        """End it so, and wait for it."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)

    async def live(self, talks: bool, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """One session, to the end."""
        url = f"http://127.0.0.1:{self.port}"
        async with rtcore.connect(url, transport="websocket", connect_timeout=PATIENCE) as client:
            room = await client.join("full:a")
            await client.join("live:a")
            self.members.append(Member(client))
            task_status.started()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.members[-1].listen, room)
                nursery.start_soon(self.members[-1].watch)
                if talks:
                    nursery.start_soon(self._talk, room)

    async def _talk(self, room: rtcore.client.Room) -> None:
        while True:
            await trio.sleep(PACE)
            if self.quiet:
                continue
            self.numbers += 1
            number = self.numbers
            try:
                await room.publish("say", number, timeout=PATIENCE)
            except rtcore.client.RequestError:
                self.maybe.add(number)
            else:
                self.said.append(number)

    async def all_live(self, lives: int) -> list[float]:
        """Until each was live so often; when each was."""
        with trio.fail_after(PATIENCE):
            while any(not each.lived or each.lives < lives for each in self.members):  # noqa: ASYNC110
                await trio.sleep(0.02)
        return sorted(member.lived for member in self.members)

    async def all_heard(self) -> None:
        """Nobody says any more: until each has heard what was said last."""
        self.quiet = True
        wanted = set(self.said)
        with trio.move_on_after(PATIENCE):
            while any(not wanted.issubset(each.heard) for each in self.members):  # noqa: ASYNC110
                await trio.sleep(0.1)

    def judged(self) -> dict[str, Any]:
        """What each heard, beside what was acknowledged."""
        lost = sum(len(set(self.said) - set(member.heard)) for member in self.members)
        twice = sum(len(member.heard) - len(set(member.heard)) for member in self.members)
        back = sum(member.client.session == member.session for member in self.members)
        return {
            "acknowledged": len(self.said),
            "unknown": len(self.maybe),
            "heard": sum(len(member.heard) for member in self.members),
            "lost": lost,
            "twice": twice,
            "gaps": sum(len(member.gaps) for member in self.members),
            "resumed": back,
            "sessions": len(self.members),
        }


async def play(sessions: int, rounds: int, every: float, how: signal.Signals, folder: Path) -> dict[str, Any]:
    """All of it; what was seen."""
    run = Restarts(folder)
    run.start()
    told: dict[str, Any] = {"rounds": []}
    try:
        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            for number in range(sessions):
                await nursery.start(run.live, number < TALKERS)
            print(f"{sessions} sessions are there after {trio.current_time() - began:.1f} s", flush=True)
            run.quiet = False
            for number in range(rounds):
                await trio.sleep(every)
                ended = trio.current_time()
                await trio.to_thread.run_sync(run.end, how)
                run.start()
                times = [at - ended for at in await run.all_live(number + 2)]
                spread = {name: times[int(len(times) * part)] for name, part in PARTS.items()}
                told["rounds"].append(spread | {"all": times[-1]})
                said = ", ".join(f"{name} {at:.2f} s" for name, at in told["rounds"][-1].items())
                print(f"round {number + 1}: live again after {said}", flush=True)
            await run.all_heard()
            told |= run.judged()
            nursery.cancel_scope.cancel()
    finally:
        run.end(signal.SIGKILL)
    return told


PARTS = {"first": 0.0, "tenth": 0.1, "half": 0.5, "nine tenths": 0.9}


def main() -> int:
    """Play it, say it; 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.restart")
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--every", type=float, default=3.0, help="seconds of load before an end")
    parser.add_argument("--end", choices=("kill", "stop"), default="kill")
    given = parser.parse_args()
    how = signal.SIGKILL if given.end == "kill" else signal.SIGTERM
    folder = Path(tempfile.mkdtemp(prefix="bench-restart-", dir=ROOT / "target"))
    try:
        told = trio.run(play, given.sessions, given.rounds, given.every, how, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({name: value for name, value in told.items() if name != "rounds"}))
    wrong = told["lost"] or told["twice"] or told["gaps"] or told["resumed"] != told["sessions"]
    print("FAILED" if wrong else "all held: each was resumed, and heard once what was acknowledged")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
