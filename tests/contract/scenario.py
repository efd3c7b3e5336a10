"""Plays a scenario of `vectors/scenarios/`: what is said on which connection, and what must be heard.

The format is in `vectors/README.md`. A connection has a letter of its own and is opened by its first `say`,
which is a `hello`. No step waits without a deadline, and that nothing came is shown by a fence.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import trio
import yaml

from tests.patience import PATIENCE

from .link import Ended, Link, Message, Place, Refused
from .polling import Polling
from .sse import Sse
from .websocket import MsgPackSocket, WebSocket

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "scenarios"
KINDS: dict[str, type[Link]] = {kind.name: kind for kind in (WebSocket, MsgPackSocket, Sse, Polling)}
ANY = "?"

runs = itertools.count(1)


def scenarios() -> dict[str, Message]:
    """All of them, by name."""
    found = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.yaml")}
    assert found
    return dict(sorted(found.items()))


class Connection:
    """One connection of a scenario: its link, and what came on it and was not asked for yet."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.open = False
        self.pending: list[Message] = []
        self.heard: list[Message] = []
        self.end: Ended | None = None

    def take(self, messages: list[Message]) -> None:
        """Keep what came."""
        self.pending += messages
        self.heard += messages

    async def say(self, messages: list[Message]) -> None:
        """Say messages, several as one array; the first of all is a `hello`."""
        if self.open:
            self.take(await self.link.say(*messages, array=len(messages) > 1))
            return
        self.open = True
        assert messages[0]["type"] == "hello", messages
        if isinstance(self.link, WebSocket):
            await self.link.connect()
            await self.link.say(*messages, array=len(messages) > 1)
            return
        hello = {name: value for name, value in messages[0].items() if name != "type"}
        try:
            self.take(await self.link.hello(hello))
        except Refused as refused:
            body = refused.answer.json()
            self.take([{"type": "bye", "status": refused.status, **body}])
            self.end = Ended(refused.status, None)
            return
        if len(messages) > 1:
            await self.say(messages[1:])

    async def hear(self, wanted: object, names: dict[str, Any]) -> Message:
        """Wait for the first message that fits, and take it; what does not fit stays."""
        looked_at = 0
        with trio.move_on_after(PATIENCE):
            while True:
                for index in range(looked_at, len(self.pending)):
                    trial = dict(names)
                    if fits(wanted, self.pending[index], trial):
                        names.update(trial)
                        return self.pending.pop(index)
                looked_at = len(self.pending)
                if self.end is not None:
                    break
                try:
                    self.take(await self.link.more())
                except Ended as ended:
                    self.end = ended
        raise AssertionError(f"nothing like {said_with(wanted, names)} was heard; heard: {self.heard}")


class Play:
    """One run of one scenario."""

    def __init__(self, script: Message, way: type[Link], place: Place) -> None:
        self.script = script
        self.way = way
        self.place = place
        self.names: dict[str, Any] = {"run": f"r{next(runs)}"}
        self.connections: dict[str, Connection] = {}
        self.fences = itertools.count(1)

    async def run(self) -> None:
        """Play it, step by step."""
        try:
            for number, step in enumerate(self.script["steps"], 1):
                try:
                    await self.step(dict(step))
                except (AssertionError, Ended, Refused) as why:
                    raise AssertionError(f"step {number}, {step}: {why}") from why
        finally:
            for connection in self.connections.values():
                connection.link.drop()

    async def step(self, step: Message) -> None:
        """One step. What it holds beside `at` says what it is."""
        if (ways := step.pop("ways", None)) is not None and self.way.name not in ways:
            return
        on = self.connection(step.pop("at"), step.pop("by", None))
        times = step.pop("times", 1)
        for number in range(times):
            self.names["i"] = number
            for what, value in step.items():
                await getattr(self, f"do_{what}")(on, value)

    def connection(self, letter: str, by: str | None) -> Connection:
        """The connection with this letter."""
        if letter not in self.connections:
            kind = self.way if by is None else KINDS[by]
            self.connections[letter] = Connection(kind(self.place))
        return self.connections[letter]

    async def do_say(self, on: Connection, value: Any) -> None:
        """Say a message, or several as one array."""
        messages = value if isinstance(value, list) else [value]
        with trio.fail_after(PATIENCE):
            await on.say([said_with(message, self.names) for message in messages])

    async def do_hear(self, on: Connection, value: Any) -> None:
        """Each of these messages comes, in this order if they are events."""
        last = -1
        for wanted in value if isinstance(value, list) else [value]:
            message = await on.hear(wanted, self.names)
            if message["type"] == "event" and message.get("seq"):
                assert message["seq"] > last, f"{message} came out of order"
                last = message["seq"]

    async def do_never(self, on: Connection, value: Any) -> None:
        """None of these came, up to now. A fence says that all that was said has come."""
        fence = f"{self.names['run']}.{next(self.fences)}"
        await self.do_say(on, {"type": "emit", "event": "fence", "data": fence})
        await on.hear({"type": "event", "event": "fence", "data": fence}, self.names)
        for wanted in value if isinstance(value, list) else [value]:
            found = [message for message in on.pending if fits(wanted, message, dict(self.names))]
            assert not found, f"{found} was heard, and should never be"

    async def do_until(self, on: Connection, value: Any) -> None:
        """Ask one thing again and again until it is answered so: `ask`, and the `data` of its ack."""
        with trio.fail_after(PATIENCE):
            while True:
                self.names["asked"] = self.names.get("asked", 1_000_000) + 1
                await on.say([{**said_with(value["ask"], self.names), "id": self.names["asked"]}])
                ack = await on.hear({"type": "ack", "id": "$asked"}, self.names)
                if fits(value["data"], ack.get("data"), self.names):
                    return

    async def do_break(self, on: Connection, value: Any) -> None:
        """Its lines are cut, without a word."""
        on.link.drop()

    async def do_end(self, on: Connection, value: Any) -> None:
        """It ends, by a `bye` like this one."""
        await on.hear({"type": "bye", **value}, self.names)


def said_with(value: Any, names: Mapping[str, Any]) -> Any:
    """What is said, with the names in it replaced: `$x` by what it stands for, `${x}.y` within a text."""
    if isinstance(value, str):
        if value.startswith("$") and value[1:] in names:
            return names[value[1:]]
        return Template(value).safe_substitute(names)
    if isinstance(value, list):
        return [said_with(item, names) for item in value]
    if isinstance(value, dict):
        if set(value) == {"repeat", "times"}:
            return said_with(value["repeat"], names) * value["times"]
        if set(value) == {"plus", "of"}:
            return said_with(value["of"], names) + value["plus"]
        return {name: said_with(item, names) for name, item in value.items()}
    return value


def fits(wanted: Any, found: Any, names: dict[str, Any]) -> bool:
    """Whether what came is what is wanted: of an object the fields that are named.

    A `$name` that stands for nothing yet stands for what came from now on.
    """
    if wanted == ANY:
        return found is not None
    if isinstance(wanted, str) and wanted.startswith("$") and not wanted.startswith(("$$", "${")):
        return bool(names.setdefault(wanted[1:], found) == found)
    if isinstance(wanted, dict) and "absent" in wanted:
        absent = wanted["absent"]
        rest = {name: value for name, value in wanted.items() if name != "absent"}
        return isinstance(found, dict) and not set(absent) & set(found) and fits(rest, found, names)
    if isinstance(wanted, dict) and set(wanted) <= {"above", "upto"}:
        return (
            isinstance(found, (int, float))
            and ("above" not in wanted or found > said_with(wanted["above"], names))
            and ("upto" not in wanted or found <= said_with(wanted["upto"], names))
        )
    if isinstance(wanted, dict) and not ({"repeat", "plus"} & set(wanted)):
        return isinstance(found, dict) and all(
            fits(value, found.get(name), names) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(fits(*pair, names) for pair in zip(wanted, found, strict=True))
        )
    return bool(said_with(wanted, names) == found)
