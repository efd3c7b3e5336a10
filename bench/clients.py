"""What a crowd of our clients costs, how it comes back, and what simulated time costs.

    .venv/bin/python -m bench.clients [crowd] [restart] [return] [box]

`crowd`: a thousand clients in one process, connected and joined: seconds, and memory each. `restart`: their
server is killed and started again: how long until all are live, and how their attempts are spread. `return`:
what a return costs, in round trips. `box`: ten thousand simulated seconds of ten clients.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trio
import trio.testing

import rtcore
from rtcore.client import Client, State
from rtcore.testing import network_in_a_box

from .crowd import raise_descriptors

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 1000
AWAY = 2.0
"""Seconds between the end of a server and the start of the next."""


@contextmanager
def server(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server of its own process, and its port."""
    command = [sys.executable, "-m", "rtcore", "serve", "bench.app:app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                port = int(found[1])
                break
        yield process, port
    finally:
        process.kill()
        process.wait()


def memory() -> int:
    """Bytes of this process that are resident."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Crowd:
    """A thousand clients in a nursery, ten in a room."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients: list[Client] = []
        self.done = trio.Event()
        self.over = trio.Event()

    async def one(self, number: int) -> None:
        """One of them, until it is over."""
        async with rtcore.connect(self.url, connect_timeout=60, transport="websocket") as client:
            await client.join(f"relay:{number // 10}")
            self.clients.append(client)
            if len(self.clients) == CLIENTS:
                self.done.set()
            await self.over.wait()

    async def gather(self, nursery: trio.Nursery) -> None:
        """All of them, connected and joined."""
        for number in range(CLIENTS):
            nursery.start_soon(self.one, number)
        await self.done.wait()


async def crowd() -> dict[str, Any]:
    """Connected and joined: seconds of the wall and of CPU, and bytes each."""
    with server() as (_, port):
        url = f"http://127.0.0.1:{port}"
        async with rtcore.connect(url, transport="websocket") as first:  # what is loaded once
            await first.join("relay:x")
            before, began, cpu = memory(), time.monotonic(), time.process_time()
            async with trio.open_nursery() as nursery:
                everybody = Crowd(url)
                await everybody.gather(nursery)
                took, spent = time.monotonic() - began, time.process_time() - cpu
                each = (memory() - before) / CLIENTS
                nursery.cancel_scope.cancel()
    return {"seconds": round(took, 2), "cpu": round(spent, 2), "kb_each": round(each / 1024, 1)}


async def restart() -> dict[str, Any]:
    """A server that is killed, and another on its port: until all are live, by when they were."""
    live: list[float] = []
    all_back = trio.Event()
    with server() as (process, port):
        everybody = Crowd(f"http://127.0.0.1:{port}")
        async with trio.open_nursery() as nursery:
            await everybody.gather(nursery)
            process.send_signal(signal.SIGKILL)
            process.wait()

            async def back(client: Client) -> None:
                async for status in client.changes():
                    if status.state is not State.LIVE:
                        break
                await client.ready()
                live.append(time.monotonic() - began)
                if len(live) == CLIENTS:
                    all_back.set()

            began = time.monotonic()
            async with trio.open_nursery() as waiting:
                for client in everybody.clients:
                    waiting.start_soon(back, client)
                await trio.sleep(AWAY)
                again = server(port)
                await trio.to_thread.run_sync(again.__enter__)
                began = time.monotonic()
                with trio.move_on_after(120):
                    await all_back.wait()
                waiting.cancel_scope.cancel()
            tries = [
                sum(1 for each in client._machine.track.recorded if each[3] is State.CONNECTING) - 1
                for client in everybody.clients
            ]
            by = {client.transport for client in everybody.clients}
            nursery.cancel_scope.cancel()
        again.__exit__(None, None, None)
    live.sort()
    told = {f"p{part}": round(live[len(live) * part // 100 - 1], 2) for part in (10, 50, 90, 99, 100)}
    return {"back": len(live), **told, "tries": f"{min(tries)} to {max(tries)}", "by": sorted(by)}


def small() -> rtcore.App:
    """An application with one room."""
    app = rtcore.App()
    app.rooms("tea", relay=True, history=1024)
    return app


async def come_back() -> dict[str, Any]:
    """Virtual seconds over a link of 100 ms each way, in round trips; with 20 rooms, and 10 missed events."""
    app = rtcore.App()
    app.rooms("*", relay=True, history=1024)
    async with network_in_a_box(app) as network, network.client("bob") as bob:
        said = await bob.join("room 0")
        async with network.client("ann", transport="websocket") as ann:
            rooms = [await ann.join(f"room {number}") for number in range(20)]
            heard = aiter(rooms[0])
            network.weather_of["ann"] = rtcore.testing.Weather(delay=0.1)
            network.cut("ann")
            await trio.testing.wait_all_tasks_blocked()
            for number in range(10):
                await said.publish("say", number)
            while ann.status.state is not State.CONNECTING:
                await anext(ann.changes())
                await trio.lowlevel.checkpoint()
                ann.try_now()
            began = trio.current_time()
            await ann.ready()
            live = trio.current_time() - began
            for _ in range(10):
                await anext(heard)
            return {
                "trips to be live, the opening of TCP and WebSocket with it": round(live / 0.2, 2),
                "and until what was missed is heard": round((trio.current_time() - began) / 0.2, 2),
            }


async def box() -> dict[str, Any]:
    """Ten clients in a room for 10,000 s: each says something every 20 s, and one is cut every 100 s."""
    heard = 0
    began = time.process_time()
    async with network_in_a_box(small(), seed=1) as network, trio.open_nursery() as nursery:

        async def one(number: int) -> None:
            async with network.client(f"c{number}") as client:
                tea = await client.join("tea")
                nursery.start_soon(hear, tea)
                await trio.sleep(number)
                while True:
                    await tea.publish("say", number, timeout=60)
                    await trio.sleep(20)

        async def hear(room: rtcore.client.Room) -> None:
            nonlocal heard
            async for _ in room:
                heard += 1

        for number in range(10):
            nursery.start_soon(one, number)
        for cut in range(100):
            await trio.sleep(100)
            network.cut(f"c{cut % 10}")
        nursery.cancel_scope.cancel()
    return {"seconds of CPU": round(time.process_time() - began, 2), "heard": heard}


SCENES = {"crowd": crowd, "restart": restart, "return": come_back, "box": box}


def main() -> None:
    """Play them, and say what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", metavar="SCENE")
    given = parser.parse_args()
    raise_descriptors(4 * CLIENTS)
    if unknown := set(given.scenes) - set(SCENES):
        parser.error(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}")
    for name in given.scenes or SCENES:
        virtual = name in ("return", "box")
        clock = trio.testing.MockClock(autojump_threshold=0) if virtual else None
        print(name, json.dumps(trio.run(SCENES[name], clock=clock)), flush=True)


if __name__ == "__main__":
    main()
