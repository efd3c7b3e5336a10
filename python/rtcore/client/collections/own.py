"""A change of one's own: each stage of it can be awaited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import trio.lowlevel

from rtcore.client.errors import Conflicted, Rejected
from rtcore.client.handle import Stage


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a change, for its author.

    `kind`: `done`, `conflict` (its author decides), `rejected`, `discarded` (taken back before it was sent),
    or
    `nothing` (nothing differed, so nothing was said). `by`: what decided, where it was not done as wished,
    and
    `lost` what did not count: names of fields, or True for all of it. `clamped`: milliseconds of its time
    that lay in the server's future.
    """

    kind: str
    seq: int | None = None
    by: str | None = None
    lost: tuple[str, ...] | bool = ()
    clamped: int | None = None
    code: str | None = None
    message: str = ""
    fields: tuple[str, ...] = ()
    gone: bool = False

    @classmethod
    def of(cls, said: dict[str, Any]) -> Outcome:
        """From a result of a push."""
        if (why := said.get("rejected")) is not None:
            return cls("rejected", code=why["code"], message=why["message"])
        if (about := said.get("conflict")) is not None:
            fields = tuple(about.get("fields") or ())
            return cls("conflict", about.get("seq"), fields=fields, gone=bool(about.get("gone")))
        lost = said.get("lost") or ()
        told = lost if lost is True else tuple(lost)
        return cls("done", said.get("seq"), said.get("by"), told, said.get("clamped"))


class OwnChange:
    """A change that is kept here. `n` is its number; None: nothing differed, so nothing is said.

    `accepted`: the server has answered for it, whatever it said. `applied`: it is done, and in what is
    confirmed here; gives its `Outcome`, raises `Conflicted` or `Rejected`. `outcome`: what came of it, never
    raised. Each may take as long as there is no connection; waiting is a cancel point, and leaving off
    changes nothing: the change goes on.
    """

    def __init__(self, n: int | None, key: str) -> None:
        self.n, self.key = n, key
        self.committed = False
        """Whether it is kept here; with an outbox on disk: committed."""
        self.result: Outcome | None = None if n is not None else Outcome("nothing")
        self.over = n is None
        self.error: Exception | None = None
        self._news = trio.Event()

    def __repr__(self) -> str:
        return f"<OwnChange {self.n} of {self.key!r}: {self.result.kind if self.result else 'pending'}>"

    def tell(self) -> None:
        """A stage was reached."""
        self._news.set()
        self._news = trio.Event()

    def ends(self, error: Exception) -> None:
        """Nobody here will hear what came of it."""
        if not self.over:
            self.error = self.error or error
            self.tell()

    @property
    def done(self) -> bool:
        """Whether what came of it is known."""
        return self.result is not None

    @property
    def accepted(self) -> Stage[None]:
        """Wait until the server has answered for it. Raises what ended the client before."""
        return Stage(self._wait_accepted)

    @property
    def outcome(self) -> Stage[Outcome]:
        """Wait for what came of it. Raises what ended the client before."""
        return Stage(self._wait_outcome)

    @property
    def applied(self) -> Stage[Outcome]:
        """Wait until it is done, and in what is confirmed here. Raises `Conflicted`, `Rejected`."""
        return Stage(self._wait_applied)

    async def kept(self) -> None:
        """Wait until it is kept here. A cancel point, also where it is."""
        await trio.lowlevel.checkpoint()
        while not self.committed:
            await self._wait()

    async def _wait(self) -> None:
        if self.error is not None:
            raise self.error
        await self._news.wait()

    async def _wait_outcome(self) -> Outcome:
        while self.result is None:
            await self._wait()
        return self.result

    async def _wait_accepted(self) -> None:
        await self._wait_outcome()

    async def _wait_applied(self) -> Outcome:
        outcome = await self._wait_outcome()
        if outcome.kind == "conflict":
            what = (
                "the document is gone" if outcome.gone else f"{', '.join(outcome.fields)} changed meanwhile"
            )
            raise Conflicted(self.key, what)
        if outcome.kind == "rejected":
            raise Rejected(outcome.code or "INTERNAL", outcome.message)
        while not self.over:
            await self._wait()
        return outcome
