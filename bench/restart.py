"""A restart under load: `python -m bench.restart --sessions 2000`.

So many sessions of the Python client are in a durable room and in a live one, and some of them say something
all the time. The server is killed (`--end kill`) or told to stop (`--end stop`) and started again on the same
port and folder. What is told: how long until all were live again, how their returns were spread over that
time, whether each was resumed, and whether each heard everything that was acknowledged in the durable room.
Each round ends when all are live. `--rolling` waits for nobody: `--rolling --every 5 --rounds 60` kills every
five seconds for five minutes, and only then all must be live again.
"""

from __future__ import annotations

import argparse
import contextlib
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
PACE = 2.0
"""Seconds between what one of them says: 2,000 who hear it make 20,000 deliveries a second of that."""
AT_ONCE = 100
"""How many come at once in the beginning."""
PATIENCE = 120.0
"""The longest that is waited for anything (s)."""


class Member:
    """One session: who it was, when it came back, and what it heard."""

    def __init__(self, client: rtcore.Client) -> None:
        self.client, self.session = client, client.session
        self.heard: list[int] = []
        self.gaps: list[rtcore.client.Gap] = []
        self.back = trio.current_time()
        """When it was live in the server's present life; 0: it is not yet."""
        self.newest = 0
        """A number above this is of that life."""

    def ended(self, newest: int) -> None:
        """The server's life is over, in which this number was said last."""
        self.back, self.newest = 0.0, newest

    def _is_back(self) -> None:
        self.back = self.back or trio.current_time()

    async def listen(self, room: rtcore.client.Room) -> None:
        """To the durable room."""
        async for item in room:
            if isinstance(item, rtcore.client.Gap):
                self.gaps.append(item)
                continue
            self.heard.append(int(item.data))
            if self.heard[-1] > self.newest:
                self._is_back()  # where nobody looked while it was away

    async def watch(self) -> None:
        """When it is live, again and again."""
        async for status in self.client.changes():
            if status.live:
                self._is_back()


class Restarts:
    """The server and those who are there."""

    def __init__(self, folder: Path, pace: float) -> None:
        self.folder, self.pace = folder, pace
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

    def ended(self) -> None:
        """All are away."""
        for member in self.members:
            member.ended(self.numbers)

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
            await trio.sleep(self.pace)
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

    async def answers(self) -> float:
        """Until the port answers; when it did."""
        with trio.fail_after(PATIENCE):
            while True:
                with contextlib.suppress(OSError):
                    await (await trio.open_tcp_stream("127.0.0.1", self.port)).aclose()
                    return trio.current_time()
                await trio.sleep(0.01)

    async def all_live(self) -> list[float]:
        """Until each is; when each was."""
        with trio.move_on_after(PATIENCE):
            while any(not each.back for each in self.members):  # noqa: ASYNC110
                await trio.sleep(0.02)
            return sorted(member.back for member in self.members)
        away = [each.client.status for each in self.members if not each.back]
        raise TimeoutError(f"{len(away)} are not live after {PATIENCE:.0f} s, the first is {away[0]}")

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


async def play(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All of it; what was seen."""
    run = Restarts(folder, given.pace)
    how = signal.SIGKILL if given.end == "kill" else signal.SIGTERM
    run.start()
    told: dict[str, Any] = {"rounds": []}
    try:
        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            for first in range(0, given.sessions, AT_ONCE):
                async with trio.open_nursery() as starting:
                    for number in range(first, min(first + AT_ONCE, given.sessions)):
                        starting.start_soon(nursery.start, run.live, number < TALKERS)
            print(
                f"{given.sessions} sessions are there after {trio.current_time() - began:.1f} s", flush=True
            )
            run.quiet = False
            for number in range(given.rounds):
                await trio.sleep(given.every)
                before = sum(bool(each.back) for each in run.members)
                ended = trio.current_time()
                await trio.to_thread.run_sync(run.end, how)
                run.ended()
                run.start()
                answered = await run.answers() - ended
                if given.rolling:
                    told["rounds"].append({"live before": before, "answers": answered})
                    print(
                        f"round {number + 1}: {before} were live, the port answers after {answered:.2f} s",
                        flush=True,
                    )
                    continue
                times = [at - ended for at in await run.all_live()]
                spread = {name: times[int(len(times) * part)] for name, part in PARTS.items()}
                told["rounds"].append({"port": answered} | spread | {"all": times[-1]})
                said = ", ".join(f"{name} {at:.2f} s" for name, at in told["rounds"][-1].items())
                print(f"round {number + 1}: live again after {said}", flush=True)
            began = trio.current_time()
            last = (await run.all_live())[-1]
            print(f"all are live {max(last - began, 0):.1f} s after the last", flush=True)
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
    parser.add_argument("--pace", type=float, default=PACE, help="seconds between what one talker says")
    parser.add_argument("--rolling", action="store_true", help="wait for nobody between two ends")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-restart-", dir=ROOT / "target"))
    try:
        told = trio.run(play, given, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({name: value for name, value in told.items() if name != "rounds"}))
    wrong = told["lost"] or told["twice"] or told["gaps"] or told["resumed"] != told["sessions"]
    print("FAILED" if wrong else "all held: each was resumed, and heard once what was acknowledged")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
