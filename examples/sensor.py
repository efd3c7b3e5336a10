"""A sensor that goes offline: what it measures is kept on disk, and said when there is a network.

python examples/sensor.py https://example.org/rt outbox.db
"""

import random
import sys

import trio

import rtcore
from rtcore.client import NotDone

NAME = "sensor"


async def main(url: str, file: str, every: float = 10) -> None:
    outbox = rtcore.Outbox(file, messages=10_000, size=16 << 20, overflow="drop_oldest")
    async with rtcore.connect(url, outbox=outbox, token=NAME) as client:
        while True:
            try:
                client.send("reading", {"celsius": random.gauss(20, 2)}, ttl=7 * 24 * 3600)
            except NotDone as error:
                print(error)
            status = client.status
            print(f"{status.state}: {status.queued} wait, {status.unanswered} are on their way")
            await trio.sleep(every)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:3])
