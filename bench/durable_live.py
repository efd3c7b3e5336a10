"""What a durable room costs a live one beside it: `python -m bench.durable_live`.

A live room of 100 listeners gets a hundred messages a second, or as many as it takes, by itself and then
beside publishers that say 2,000 messages a second to durable rooms, each acknowledged when it is on disk.
By turns, and the medians of both.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
from collections.abc import Iterator
from typing import Any

from .durable import asked, plan, serving
from .progress import Progress
from .run import play
from .scene import room
from .servers import LOAD_CORE, PROGRAMS, pinned

LISTENERS = 100
BESIDE = ("--n", "16", "--rate", "2000")
PUBLISH = '{"type":"publish","room":"live:all","event":"m","data":"%M"}'
LIVE = ("--mode", "fanout", "--n", str(LISTENERS), *room("live:all", PUBLISH, publisher_joins=True))
SHAPES = {"100 a second": ("--rate", "100"), "16 in flight": ("--window", "16")}


def measure(seconds: int, repeats: int, *, free: bool) -> None:
    """Each shape alone and beside, by turns."""
    progress = Progress(len(SHAPES) * repeats * 2)
    print(f"{'':16}{'':10}{'deliveries/s':>14}{'p50 ms':>9}{'p99 ms':>9}")
    with serving(free=free) as (_, server):
        for name, shape in SHAPES.items():
            alone: list[dict[str, Any]] = []
            beside: list[dict[str, Any]] = []
            for _ in range(repeats):
                alone.append(play((*LIVE, *shape), *server, seconds))
                progress.step()
                with disturbing(server, seconds + 2):
                    beside.append(play((*LIVE, *shape), *server, seconds))
                progress.step()
            rates = [tell(name, "alone", alone), tell("", "beside", beside)]
            print(f"{'':16}{rates[1] / rates[0]:.2f} of it")


@contextlib.contextmanager
def disturbing(server: tuple[int, int], seconds: int) -> Iterator[None]:
    """Publishers of durable rooms, for as long as the block; each has had its acks at the end."""
    words = [*plan("full", BESIDE), "--port", str(server[1]), "--pid", str(server[0])]
    command = [str(PROGRAMS / "load"), *words, "--seconds", str(seconds)]
    process = subprocess.Popen(pinned(LOAD_CORE, command), stdout=subprocess.DEVNULL)
    yield
    if process.wait():
        raise SystemExit("the load of durable rooms failed")


def tell(name: str, how: str, found: list[dict[str, Any]]) -> float:
    """A row; its deliveries a second."""
    rate: float = statistics.median(each["per_second"] for each in found)
    p50, p99 = (statistics.median(each[key] for each in found) / 1000 for key in ("p50_us", "p99_us"))
    print(f"{name:16}{how:10}{rate:>14,.0f}{p50:>9.2f}{p99:>9.2f}")
    return rate


def main() -> None:
    """Measure, and say it."""
    given = asked("python -m bench.durable_live")
    measure(given.seconds, given.repeats, free=given.free)


if __name__ == "__main__":
    main()
