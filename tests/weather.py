"""`make weather`: a client behind the fault proxy for ten minutes, each fault in turn, and the counts.

python -m tests.weather --minutes 10

A server over TCP, two clients behind a proxy of their own, one over whatever works and one over polls; a
third, that nothing is between, says numbers into a room, and the two emit. At the end: each has heard each
number once, in order, or been told of a gap; what was emitted was done once, or told as maybe done.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from functools import partial

import trio

import rtcore
from rtcore.client import Client, Event, MaybeDone, RequestError, connect
from tests.client.conftest import make_app
from tests.proxy import Buffering, Crumbs, Delay, Fault, Idle, NoUpgrade, Proxy, Reset, Stall

PATIENCE = 120.0
FAULTS: dict[str, type[Fault] | partial[Fault]] = {
    "nothing": Fault,
    "delay": partial(Delay, 0.1),
    "crumbs": Crumbs,
    "stall": partial(Stall, 20_000),
    "reset": partial(Reset, 5_000, 10),
    "buffering": Buffering,
    "no upgrade": NoUpgrade,
    "idle": partial(Idle, 3.0),
}


class Weather:
    """One run: what was said, heard and done."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.counts: Counter[str] = Counter()
        self.said = 0
        self.over = trio.Event()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """All of it."""
        app = make_app()
        limits = {"ping_ms": 5_000, "silence_ms": 5_000}
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(partial(rtcore.serve, app, port=0, limits=limits, signals=False))
            port = addresses[0].port
            async with (
                Proxy(("127.0.0.1", port)) as first,
                Proxy(("127.0.0.1", port)) as second,
                trio.open_nursery() as clients,
            ):
                ways = [(first, "hybrid"), (second, "polling")]
                for number, (proxy, transport) in enumerate(ways):
                    url = f"http://127.0.0.1:{proxy.address[1]}/rt"
                    clients.start_soon(self.client, url, transport, number)
                clients.start_soon(self.speak, f"http://127.0.0.1:{port}/rt")
                await self.turn([first, second])
                self.over.set()
            nursery.cancel_scope.cancel()
        done = Counter(app.done)  # type: ignore[attr-defined]
        self.wrong += [f"done {count} times: {what}" for what, count in done.items() if count > 1]
        self.counts["done"] = len(done)

    async def turn(self, proxies: list[Proxy]) -> None:
        """Each fault in turn, for an equal part of the time; fair weather at the end."""
        for name, fault in FAULTS.items():
            for proxy in proxies:
                proxy.fault = fault()
            print(f"{name}: {dict(self.counts)}", flush=True)
            await trio.sleep(self.seconds / len(FAULTS))
            for proxy in proxies:
                if isinstance(proxy.fault, Stall):
                    proxy.fault.release()
        for proxy in proxies:
            proxy.fault = Fault()

    async def speak(self, url: str) -> None:
        """Says numbers, ten a second."""
        async with connect(url) as client:
            room = await client.join("tea")
            over = False
            while not over:
                over = self.over.is_set()  # once more, so that who hears it knows that it was all
                self.said += 1
                await room.publish("say", self.said, timeout=PATIENCE)
                await trio.sleep(0.1)

    async def client(self, url: str, transport: str, number: int) -> None:
        """One of the two."""
        async with connect(url, transport=transport, token="ann", connect_timeout=PATIENCE) as client:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.hear, client, transport)
                nursery.start_soon(self.emit, client, number)
            self.counts[f"{transport}: welcomes"] = client._machine.who.welcomes

    async def hear(self, client: Client, transport: str) -> None:
        """Each number once, in order, or a gap."""
        last = None
        with trio.CancelScope() as scope:
            async for item in await client.join("tea"):
                if not isinstance(item, Event):
                    self.counts[f"{transport}: gaps"] += 1
                    last = None
                    continue
                if item.name != "say":
                    continue
                if last is not None and item.data != last + 1:
                    self.wrong.append(f"{transport}: {item.data} after {last}")
                last = item.data
                self.counts[f"{transport}: heard"] += 1
                if self.over.is_set():
                    scope.deadline = min(scope.deadline, trio.current_time() + PATIENCE)
                    if last >= self.said:
                        return
        self.wrong.append(f"{transport}: {self.said} was not heard")

    async def emit(self, client: Client, number: int) -> None:
        """One thing after the other."""
        count = 0
        while not self.over.is_set():
            count += 1
            try:
                await client.emit("count", f"{number}.{count}", timeout=PATIENCE)
                self.counts["applied"] += 1
            except MaybeDone:
                self.counts["maybe"] += 1
            except RequestError:
                self.counts["failed"] += 1
            await trio.sleep(0.2)


def main() -> int:
    """Run it, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.weather")
    parser.add_argument("--minutes", type=float, default=10)
    given = parser.parse_args()
    weather, began = Weather(given.minutes * 60), time.monotonic()
    trio.run(weather.run)
    print(f"{time.monotonic() - began:.0f} s, {weather.said} said:", dict(weather.counts))
    for line in weather.wrong:
        print("wrong:", line)
    return 1 if weather.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
