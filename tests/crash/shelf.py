"""One who changes a collection on disk: a push at a time, and what has no outcome again after each return."""

from __future__ import annotations

import dataclasses
import random
from typing import Any, Final

from .facts import Facts, Message

COLLECTION: Final = "docs:a"
ROOM: Final = f"$sync/{COLLECTION}"
KEYS: Final = ("a", "b", "c", "d", "e", "f")
MOST: Final = 20
"""Changes in one push."""


@dataclasses.dataclass
class Pushed:
    """One change, and what came of it: numbers of documents, codes of refusals. `token` is its value."""

    who: str
    n: int
    key: str
    token: str | None  # None: it deletes
    outcomes: list[int | str] = dataclasses.field(default_factory=list)


class Shelf:
    """The changes of one device, whichever session it has."""

    def __init__(self, who: str, facts: Facts, dice: random.Random) -> None:
        self.who, self.facts, self.dice = who, facts, dice
        self.client = f"{who}-{dice.getrandbits(128):032x}"
        self.name: str | None = None
        self.last = 0
        self.pending: dict[int, Pushed] = {}
        self.flying: int | None = None
        self.member = False

    def away(self) -> None:
        """The connection is gone, and what was asked with it; its name too, until the next join says it."""
        self.flying, self.member, self.name = None, False, None

    def back(self) -> None:
        """Its session goes on. A writer that changed nothing yet has another name in each life."""
        self.name = None

    def named(self, sync: Message | None) -> None:
        """`room` says who it is now, if it writes."""
        if sync is not None and "writer" in sync:
            self.name = sync["writer"]["name"]

    @property
    def seen(self) -> int:
        """Every outcome up to here is known."""
        return min(self.pending, default=self.last + 1) - 1

    def join(self) -> Message:
        """The fields of its join."""
        return {"sync": {"client": self.client, "incarnation": 1, "nonce": "n", "seen": self.seen}}

    def joined(self, data: Message) -> None:
        """It is in."""
        writer = data["sync"]["writer"]
        if self.member and writer["n"] < self.seen:
            return  # said before an answer that is here: acks go ahead of what waits
        self.member, self.name = True, writer["name"]
        if writer["n"] < self.seen:
            self.facts.broken.append(
                f"{self.who} has outcomes up to {self.seen}, and the server to {writer['n']}"
            )
        self._settle(writer["outcomes"])

    def change(self, token: str) -> None:
        """Think of something."""
        self.last += 1
        made = Pushed(
            self.who, self.last, self.dice.choice(KEYS), token if self.dice.random() < 0.8 else None
        )
        self.pending[self.last] = made
        self.facts.pushed.append(made)

    def push(self) -> Message | None:
        """What is to be said, if anything is."""
        if not self.member or self.flying is not None or not self.pending:
            return None
        said = [
            {
                "n": each.n,
                "op": "delete" if each.token is None else "put",
                "key": each.key,
                "base": None,
                **({} if each.token is None else {"value": each.token}),
            }
            for each in list(self.pending.values())[:MOST]
        ]
        return {"collection": COLLECTION, "changes": said, "seen": self.seen}

    def acked(self, ack: Message) -> None:
        """The answer to its push, or an error: then nothing of it was looked at."""
        self.flying = None
        if "error" not in ack:
            self._settle(ack["data"]["results"])
        elif ack["error"]["code"] == "FORBIDDEN":
            self.member = False

    def _settle(self, results: list[Any]) -> None:
        for result in results:
            made = self.pending.pop(result["n"], None)
            if made is not None:
                rejected = result.get("rejected")
                made.outcomes.append(rejected["code"] if rejected else result["seq"] or 0)

    def heard(self, event: Message) -> None:
        """A change, of whomever."""
        data = event["data"]
        told = (data["key"], data["value"] if data["op"] == "put" else None, data["writer"], data["n"])
        before = self.facts.shown.setdefault(event["seq"], told)
        if before != told:
            self.facts.broken.append(f"{event['seq']} is {told} at {self.who}, and {before} elsewhere")
        if self.name is not None and told[2] == self.name and told[3] > self.last:
            self.facts.broken.append(f"{self.who} never made change {told[3]}")
