"""The well-behaved pair: one publishes in a relay room, the other hears it; how long it takes is kept.

A process of its own (`python -m tests.hardening.pair HOST PORT`), so that what it measures is the server and
not the attacker's Python. It measures from `begin` to `end N`, said on its standard input, and answers with a
line of JSON, once there were N messages. Each number has to be heard, in order, by the client's deadline (a
backstop): else it ends with an error.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests import leaks
from tests.patience import PATIENCE
from tests.wire.client import Client

ROOT = Path(__file__).parents[2]
ROOM = "pair"
# The pause between two messages (s): enough for a p99 in a second, far too little to be a load.
PAUSE = 0.0015


@dataclass(frozen=True)
class Figures:
    """How long a message took from one to the other (ms)."""

    count: int
    p50: float
    p99: float
    longest: float


class Pair:
    """The pair's process, seen from the tests."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.hardening.pair", address[0], str(address[1])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.pipes = {self.process.stdin.fileno(), self.process.stdout.fileno()}
        leaks.shared_descriptors.update(self.pipes)
        assert self._line() == "ready"

    def begin(self) -> None:
        """Measure from now on."""
        self._say("begin")

    def end(self, count: int) -> Figures:
        """Wait until there were so many messages since `begin`; return what was measured."""
        self._say(f"end {count}")
        return Figures(**json.loads(self._line()))

    def _say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, "the well-behaved pair was not served any more; its error is above"
        return line

    def stop(self) -> None:
        """End it."""
        leaks.shared_descriptors.difference_update(self.pipes)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.process.stdout.close()


def figures(took: list[float]) -> dict[str, float]:
    """The figures of some durations, given in seconds."""
    took.sort()

    def at(share: float) -> float:
        return round(took[min(len(took) - 1, int(len(took) * share))] * 1e3, 3)

    return {"count": len(took), "p50": at(0.5), "p99": at(0.99), "longest": at(1.0)}


def main(host: str, port: int) -> None:
    """Talk until the standard input ends."""
    ann, bob = Client((host, port)).hello(), Client((host, port)).hello()
    ann.join(ROOM)
    bob.join(ROOM)
    print("ready", flush=True)
    took: list[float] = []
    number = wanted = 0
    while True:
        number += 1
        began = time.perf_counter()
        ann.send({"type": "publish", "room": ROOM, "event": "n", "data": number, "echo": False})
        bob.expect("event", room=ROOM, data=number)
        took.append(time.perf_counter() - began)
        for client in (ann, bob):
            client.heard.clear()
            client.data_frames.clear()
        # Ann hears nothing of the room but presence: what waits for her are pings.
        ready, _, _ = select.select([sys.stdin, ann.socket], [], [], PAUSE)
        if ann.socket in ready:
            ann.take()
        if sys.stdin in ready:
            # All that was said: what a text buffer holds back, `select` does not see.
            said = os.read(sys.stdin.fileno(), 1 << 16)
            if not said:
                break
            for line in said.decode().splitlines():
                match line.split():
                    case ["begin"]:
                        took = []
                    case ["end", count]:
                        wanted = int(count)
        if 0 < wanted <= len(took):
            print(json.dumps(figures(took)), flush=True)
            took, wanted = [], 0
    ann.close()
    bob.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
