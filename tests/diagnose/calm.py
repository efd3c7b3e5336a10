"""`python -m tests.diagnose.calm --minutes 60`: a mixed load that goes well, and no alarm.

A server in a process of its own, with a durable room; requests, rooms, joins and leaves, streams of a few
clients, one that comes back now and then. Each five seconds it is asked what is wrong. Any issue is an alarm,
and is told with its evidence.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import trio

from rtcore.testing import connect_tcp

from .blind import HOST, Place, going_well, kept

EVERY = 5.0
"""Seconds between two questions."""
WANDERERS = 6
"""Clients that come and go."""


async def wander(place: Place, dice: random.Random) -> None:
    """Come, join, say, leave, lose the connection, come back."""
    mine: dict[str, str | None] = {}
    while True:
        async with connect_tcp(HOST, place.port) as client:
            await client.hello(**mine)
            await client.ask("join", room=f"tea:{dice.randrange(20)}")
            await client.ask("join", room="kept")
            for number in range(dice.randrange(5, 60)):
                await client.ask("emit", event="say", data=number)
                if number % 5 == 0:
                    await client.ask("publish", room="kept", event="said", data="x" * dice.randrange(2000))
                await trio.sleep(dice.uniform(0, 0.3))
            mine = {"session": client.session, "key": client.key, "position": client.position}
            if dice.random() < 0.5:
                mine = {}  # it comes as somebody new
            await client.cut()
        await trio.sleep(dice.uniform(0, 3))


async def play(minutes: float) -> int:
    """How many alarms there were."""
    alarms = 0
    dice = random.Random(7)
    with tempfile.TemporaryDirectory(prefix="rtcore-calm-") as folder:
        async with kept(Path(folder)) as place, going_well(place), trio.open_nursery() as nursery:
            for _ in range(WANDERERS):
                nursery.start_soon(wander, place, dice)
            end = time.monotonic() + 60 * minutes
            known: set[str] = set()
            while time.monotonic() < end:
                await trio.sleep(min(EVERY, max(0.0, end - time.monotonic())))
                said = await place.diagnosed()
                for issue in said["issues"]:
                    if issue["type"] not in known:
                        alarms += 1
                        print(json.dumps(issue), flush=True)
                known = {issue["type"] for issue in said["issues"]}
            stages = said["metrics"]["stages"]
            print(f"{minutes:g} minutes, {alarms} alarms; in the last one: {json.dumps(stages)}")
            nursery.cancel_scope.cancel()
    return alarms


def main() -> int:
    """0 when there was no alarm."""
    parser = argparse.ArgumentParser(prog="python -m tests.diagnose.calm", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (60)")
    return 1 if trio.run(play, parser.parse_args().minutes) else 0


if __name__ == "__main__":
    sys.exit(main())
