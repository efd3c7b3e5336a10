"""Long-polling and sends of its own, as a link."""

from __future__ import annotations

import trio

from .http1 import Answer
from .http1 import Ended as Cut
from .link import Ended, Message, Place, cut
from .plain import PlainHttp


class Polling(PlainHttp):
    """`GET /rt/poll` down, `POST /rt/send` up."""

    name = "polling"
    transport = "polling"
    pushed = False

    def __init__(self, place: Place, wait: int = 25) -> None:
        super().__init__(place)
        self.after = 0
        self.wait = wait
        self.asked = False  # a poll is out, and its answer is still to be read
        self.half: Answer | None = None

    async def more(self) -> list[Message]:
        while True:
            if messages := await self.poll():
                return messages

    async def poll(self) -> list[Message]:
        """One poll and its answer. Cancelled, it is taken up again by the next."""
        if self.bye is not None:
            raise Ended(self.bye["code"], self.bye)
        try:
            if not self.asked:
                await self.get(f"{self.place.prefix}/poll?after={self.after}&wait={self.wait}")
                self.asked = True
            assert self.down is not None
            if self.half is None:
                self.half = await self.down.head()
            while (part := await self.down.part()) is not None:
                self.half.body += part
        except (Cut, trio.BrokenResourceError, trio.ClosedResourceError):
            raise Ended(1006, self.bye) from None
        answer, self.half, self.asked = self.half, None, False
        if answer.status != 200:
            raise Ended(answer.status, answer.json())
        said = answer.json()
        assert set(said) == {"n", "messages"}, said
        assert said["n"] == self.after + 1, (said, self.after)
        self.after = said["n"]
        return self.noticed(said["messages"])

    async def lose(self) -> None:
        if self.down is not None:
            cut(self.down.stream)
        self.down, self.half, self.asked = None, None, False
