"""A load generator: a thousand clients in one process, all in one room, and how fast they hear.

python examples/crowd.py http://127.0.0.1:8000 tea:1 1000
"""

import sys
from contextlib import AsyncExitStack

import trio

import rtcore

OPENING = 100  # so many are on their way in at a time
SAID = 10


class Crowd:
    """Clients of one room; each counts what it hears."""

    def __init__(self, url: str, room: str, count: int) -> None:
        self.url, self.room, self.count = url, room, count
        self.joined = self.heard = 0
        self.late = 0.0
        self.opening = trio.Semaphore(OPENING)
        self.all_in, self.all_heard = trio.Event(), trio.Event()

    async def one(self, number: int) -> None:
        async with AsyncExitStack() as stack:
            async with self.opening:
                connecting = rtcore.connect(self.url, token=f"crowd{number}", connect_timeout=60)
                client = await stack.enter_async_context(connecting)
                room = await client.join(self.room)
            self.joined += 1
            if self.joined == self.count:
                self.all_in.set()
            if number == 0:
                await self.all_in.wait()
                for _ in range(SAID):
                    await room.publish("tick", {"time": trio.current_time()})
            async for item in room:
                if isinstance(item, rtcore.Event):
                    self.late = max(self.late, trio.current_time() - item.data["time"])
                    self.heard += 1
                    if self.heard == self.count * SAID:
                        self.all_heard.set()


async def main(url: str, room: str, count: str) -> None:
    crowd, began = Crowd(url, room, int(count)), trio.current_time()
    async with trio.open_nursery() as nursery:
        for number in range(crowd.count):
            nursery.start_soon(crowd.one, number)
        await crowd.all_in.wait()
        print(f"{crowd.count} clients joined in {trio.current_time() - began:.2f} s")
        await crowd.all_heard.wait()
        print(f"each heard {SAID} messages; the slowest took {crowd.late * 1000:.1f} ms")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:4])
