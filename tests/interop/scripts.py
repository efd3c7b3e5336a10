"""What is said, apart from who says it: a script yields a message to send, or None to hear one.

So that one script is played over clients of asyncio, of Trio and of Node, which share nothing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Generator
from typing import Any

Message = str | bytes
Script = Generator[Message | None, Message | None, None]

# Small, empty, beyond ASCII, and one at each size of a frame's head.
ECHOES: tuple[Message, ...] = (
    "hello",
    "",
    b"",
    "tea ☕ – 茶 – 🫖",
    bytes(range(256)),
    "x" * 125,
    "x" * 126,
    b"\x00\xff" * (32 * 1024),
    "repeats itself " * 4400,
    "y" * (64 * 1024),
)


def echoes() -> Script:
    """Each message comes back as it was, text as text and bytes as bytes."""
    for message in ECHOES:
        yield message
        heard = yield None
        assert type(heard) is type(message)
        assert heard == message


def conversation(name: str) -> Script:
    """Hello, join, publish and an event: every message that is waited for comes, whatever comes between."""
    heard: list[dict[str, Any]] = []

    def say(**message: Any) -> str:
        return json.dumps(message)

    def wait(**wanted: Any) -> Generator[None, Message | None, dict[str, Any]]:
        while True:
            for at, one in enumerate(heard):
                if all(one.get(key) == value for key, value in wanted.items()):
                    return heard.pop(at)
            frame = yield None
            assert isinstance(frame, str)
            value = json.loads(frame)
            heard.extend(value if isinstance(value, list) else [value])

    yield say(type="hello", v=1, client=f"{name}/1")
    welcome = yield from wait(type="welcome")
    assert welcome["resumed"] is False
    yield say(type="join", id=1, room="tea")
    joined = yield from wait(type="ack", id=1)
    assert joined["data"]["count"] >= 1
    long = "sugar " * 2000  # long enough to be compressed, where both sides can
    yield say(type="publish", id=2, room="tea", event="say", data={"text": long, "by": name})
    acked = yield from wait(type="ack", id=2)
    event = yield from wait(type="event", room="tea", event="say", seq=acked["data"]["seq"])
    assert event["data"] == {"text": long, "by": name}
    assert event["from"]["session"] == welcome["session"]
    yield json.dumps(
        [{"type": "emit", "id": 3, "event": "double", "data": [1, "two"]}, {"type": "ping", "time": 7}]
    )
    doubled = yield from wait(type="ack", id=3)
    assert doubled["data"] == [1, "two", 1, "two"]
    pong = yield from wait(type="pong")
    assert pong["time"] == 7
    yield say(type="leave", id=4, room="tea")
    yield from wait(type="ack", id=4)


async def play(
    script: Script,
    send: Callable[[Message], Awaitable[Any]],
    receive: Callable[[], Awaitable[Message]],
) -> None:
    """Play a script over one client's `send` and `receive`."""
    try:
        wanted = next(script)
        while True:
            if wanted is None:
                wanted = script.send(await receive())
            else:
                await send(wanted)
                wanted = next(script)
    except StopIteration:
        return
