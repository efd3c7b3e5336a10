"""A client with an outbox that says numbers until it is killed: run as a program by test_killed.py.

    python -m tests.client.pusher URL FILE FIRST COUNT [USER]

It prints `kept N` when N is on disk, `done N` and `maybe N` when it ends so. COUNT 0: what is there, and no
more.
"""

from __future__ import annotations

import sys

import trio

from rtcore.client import MaybeDone, Outbox, RequestError, Sent, connect


async def follow(number: object, sent: Sent) -> None:
    try:
        await sent.applied
        print("done", number, flush=True)
    except MaybeDone:
        print("maybe", number, flush=True)
    except RequestError as error:
        print("failed", number, error, flush=True)


async def main(url: str, file: str, first: int, count: int, user: str | None) -> None:
    outbox = Outbox(file, messages=100_000, size=1 << 30)
    async with (
        connect(url, outbox=outbox, token=user, wait=True, connect_timeout=None) as client,
        trio.open_nursery() as nursery,
    ):
        for sent in client.restored:
            nursery.start_soon(follow, sent.name, sent)
        for number in range(first, first + count):
            sent = client.send("count", number)
            await sent.queued
            print("kept", number, flush=True)
            nursery.start_soon(follow, number, sent)


if __name__ == "__main__":
    user = sys.argv[5] if len(sys.argv) > 5 else None
    trio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), user)
