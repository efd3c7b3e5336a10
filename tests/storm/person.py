"""One program in the storm: it changes what is shared until it is calm, and says then what it sees.

python -m tests.storm.person URL FOLDER NAME TRANSPORT SEED

It may be killed at any moment. What its outbox has taken is written to FOLDER/NAME.said, a mark a line, after
that: each of these is done once, or told to it, whatever happens.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any, Literal, cast

import trio

import rtcore
from rtcore.client import Collection, Outbox
from rtcore.crdt import add

from .app import CARDS, Card

KEYS = ["x", "y", "z"]
Transport = Literal["hybrid", "websocket", "sse", "polling"]


class Person:
    """What it does, and where it writes that down."""

    def __init__(self, folder: Path, name: str, seed: int) -> None:
        self.folder, self.name, self.seed = folder, name, seed
        self.dice = random.Random(f"{name} {seed}")
        self.count = 0

    async def live(self, url: str, transport: str) -> None:
        """From the start of the program to the calm, or to `kill -9`."""
        outbox = Outbox(self.folder / f"{self.name}.db")
        way = cast("Transport", transport)
        async with rtcore.connect(url, outbox=outbox, transport=way, connect_timeout=600) as client:
            cards = await client.collection("cards:all", Card)
            # A new program knows no card yet; one that was started again has them in its file.
            while set(cards) != set(CARDS):  # noqa: ASYNC110 - nothing says so
                await trio.sleep(0.05)
            asked: Collection[Any] = await client.collection("asked:all")
            plain: Collection[Any] = await client.collection("plain:all")
            with (self.folder / f"{self.name}.said").open("a") as said:
                while not (self.folder / "calm").exists():
                    await self.change(cards, asked, plain, said)
                    await trio.sleep(self.dice.expovariate(20))
            kept = [cards, asked, plain]
            while not all(each.whole and not each.pending for each in kept) or not self.is_over():
                await trio.sleep(0.05)
                self.tell(kept)
            self.tell(kept)

    def is_over(self) -> bool:
        """Everybody sees the same, says who looks."""
        return (self.folder / "over").exists()

    async def change(
        self, cards: Collection[Card], asked: Collection[Any], plain: Collection[Any], said: Any
    ) -> None:
        """Something, somewhere."""
        dice, key = self.dice, self.dice.choice(KEYS)
        self.count += 1
        mark, what = f"{self.name}.{self.seed}.{self.count}", dice.random()
        if what < 0.6:
            fields: dict[str, Any] = {"title": mark} if dice.random() < 0.5 else {}
            await cards.patch(dice.choice(CARDS), marks=add(mark), count=add(1), **fields)
            said.write(f"{mark}\n")
            said.flush()
        elif asked.conflicts and what < 0.7:
            conflict = dice.choice(asked.conflicts)
            await dice.choice([conflict.keep_mine, conflict.keep_theirs, conflict.discard])()
        elif what < 0.85:
            await asked.put(key, dict.fromkeys(dice.sample("abc", 2), mark))
        elif what < 0.95 or key not in plain:
            await plain.put(key, {"said": mark})
        else:
            await plain.delete(key)

    def tell(self, kept: list[Collection[Any]]) -> None:
        """What it sees now, and what came to nothing."""
        failed = [
            sorted(each.mine.marks.value if isinstance(each.mine, Card) else [])
            for each in (*kept[0].refused, *kept[0].conflicts)
        ]
        told = {
            "whole": all(each.whole and not each.pending for each in kept),
            "views": {each.name: {key: said(each.raw(key)) for key in each} for each in kept},
            "failed": sorted({mark for marks in failed for mark in marks}),
            "codes": sorted(each.code for one in kept for each in one.refused),
        }
        made = self.folder / f"{self.name}.view.new"
        made.write_text(json.dumps(told))
        made.rename(self.folder / f"{self.name}.view")


def said(document: Any) -> Any:
    """A document as it is compared."""
    return json.loads(json.dumps(document, sort_keys=True))


def main() -> None:
    """Be this program."""
    url, folder, name, transport, seed = sys.argv[1:]
    trio.run(Person(Path(folder), name, int(seed)).live, url, transport)


if __name__ == "__main__":
    main()
