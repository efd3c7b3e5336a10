"""`vectors/scenarios/`, carried by the transports of the Python client: its codec, its HTTP, its encodings.

What is said is the scenario's, so that the client's own rules do not stand between; how it gets to the server
and back is the client's. The other half, what the client says by itself, is `test_said.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trio

from rtcore.client.bell import Bell
from rtcore.client.event import Event
from rtcore.client.links.link import Link as ClientLink
from rtcore.client.links.link import Useless
from rtcore.client.links.opening import Opening
from rtcore.client.links.target import target_of
from rtcore.client.words import encode
from tests.contract.conftest import Ground
from tests.contract.link import Ended, Link, Message
from tests.contract.scenario import Play, scenarios
from tests.patience import PATIENCE

KINDS = {
    "websocket": ("websocket", False),
    "msgpack": ("websocket", True),
    "sse": ("sse", False),
    "polling": ("polling", False),
}
SCRIPTS = scenarios()


def is_refused(script: dict[str, Any]) -> bool:
    """Whether a hello is refused in it: over plain HTTP that is a close code here, no status and no `bye`."""
    return any({"n", "status"} & set(step.get("end") or ()) for step in script["steps"])


RUNS = [
    pytest.param(name, way, id=f"{name}-{way}")
    for name, script in SCRIPTS.items()
    for way in KINDS
    if way in script.get("ways", KINDS)
    and "server" in script.get("for", ["server"])
    and (KINDS[way][0] == "websocket" or not is_refused(script))
]


class Ears:
    """What a link of the client's hears, as the messages that they were."""

    def __init__(self, link: ClientLink) -> None:
        self.link = link
        self.heard: list[Message] = []
        self.over: int | None = None
        self.scope = trio.CancelScope()
        self._bell = Bell()

    def messages(self, messages: list[Message]) -> None:
        for said in messages:
            if said["type"] == "welcome":
                self.link.welcomed(said["session"], said["key"] or "", said.get("compress"))
        self.heard += messages
        self._bell.ring()

    def events(self, events: list[Event], size: int) -> None:
        del size
        self.messages([event_said(event) for event in events])

    def alive(self) -> None:
        pass

    async def wants_more(self) -> None:
        pass

    async def run(self) -> None:
        with self.scope:
            try:
                self.over = (await self.link.run(self)).code
            except (OSError, Useless):
                self.over = 1006
        self.over = self.over or 1006
        self._bell.ring()

    async def news(self) -> None:
        self._bell.silent()
        if not self.heard and self.over is None:
            await self._bell.wait()


def event_said(event: Event) -> Message:
    """An event as it stood on the wire."""
    said: Message = {"type": "event", "event": event.name, "data": event.data, "time": event.time}
    if event.room is not None:
        said["room"] = event.room
    if event.seq is not None:
        said["seq"] = event.seq
    said["from"] = None if event.session is None else {"session": event.session, "user": event.user}
    return said


class Carried(Link):
    """A connection by a link of the client's. `way` and `nursery` are those of the test."""

    way: ClassVar[str] = "websocket"
    nursery: ClassVar[trio.Nursery]
    ears: Ears | None = None

    async def hello(self, fields: Message) -> list[Message]:
        transport, packed = KINDS[self.way]
        target = target_of(f"http://{self.place.host}{self.place.prefix}")
        self.ears = Ears(await Opening(target, packed=packed).open(transport, known=True))
        self.nursery.start_soon(self.ears.run)
        self.ears.link.say((encode({"type": "hello", **fields}),), hello=True)
        return []

    async def say(self, *messages: Message, array: bool = False) -> list[Message]:
        del array  # it makes arrays by itself
        assert self.ears is not None
        self.ears.link.say(tuple(encode(message) for message in messages), hello=False)
        return []

    async def more(self) -> list[Message]:
        ears = self.ears
        assert ears is not None
        while not ears.heard:
            if ears.over is not None:
                raise Ended(ears.over, self.bye)
            await ears.news()
        heard, ears.heard = ears.heard, []
        return self.noticed(heard)

    def drop(self) -> None:
        if self.ears is not None:
            self.ears.scope.cancel()


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The servers of these tests."""
    shared = Ground(Path(tmp_path_factory.mktemp("ground")))
    yield shared
    shared.stop()


@pytest.mark.parametrize(("name", "way"), RUNS)
async def test_the_scenario_is_heard_as_it_is_written(grounds: Ground, name: str, way: str, nursery) -> None:
    script: dict[str, Any] = SCRIPTS[name]
    place = grounds.place("plain", app=script.get("app", "app"), **script.get("limits", {}))
    kind = type("Kind", (Carried,), {"way": way, "name": way, "nursery": nursery})
    with trio.fail_after(PATIENCE):
        await Play(script, kind, place).run()
    nursery.cancel_scope.cancel()
