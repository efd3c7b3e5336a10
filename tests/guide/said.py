"""What a client says to the applications of the pages, and what it is told: the blocks with handlers."""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Said(NamedTuple):
    """One request: what is said, and its ack or its error's code."""

    kind: str
    fields: dict[str, Any]
    gives: Any = None
    code: str | None = None


def emit(event: str, data: Any = None, *, gives: Any = None, code: str | None = None) -> Said:
    """An event."""
    return Said("emit", {"event": event, "data": data}, gives, code)


def join(room: str, *, code: str | None = None, **fields: Any) -> Said:
    """A join; its ack is not compared."""
    return Said("join", {"room": room, **fields}, ANY, code)


ANY: Final = object()

# By block: the token of the hello, and what is said.
SAID: Final[dict[str, tuple[str | None, list[Said]]]] = {
    "README:0": (None, [emit("greet", "Ann", gives="Hello Ann")]),
    "docs-index:0": (None, [emit("greet", "Ann", gives="Hello Ann")]),
    "around:0": (None, [emit("count", code="FORBIDDEN")]),
    "collections:3": (None, [emit("tidy", gives=0)]),
    "events:0": (
        None,
        [
            emit("order", {"tea": "Assam", "cups": 2}, gives={"left": 1}),
            emit("order", {"tea": "Assam", "cups": 2}, code="SOLD_OUT"),
            emit("order", {"tea": 1}, code="INVALID_MESSAGE"),
        ],
    ),
    "events:1": (
        None,
        [
            emit("say", {"room": "tea:1", "text": "hi"}, code="FORBIDDEN"),
            join("tea:1"),
            emit("say", {"room": "tea:1", "text": "hi"}),
        ],
    ),
    "events:2": (None, [emit("paid", 7, gives=1), emit("paid", 7, gives=1)]),
    "events:5": (None, [emit("chat:say", "hi", gives="you said hi"), join("chat:room:1")]),
    "first-steps:0": (None, [emit("order", {"tea": "Assam"}, gives={"number": 1}), join("tea:1")]),
    "first-steps:1": ("secret", []),
    "rooms:0": (None, [join("tea:quiet"), emit("announce", "tea", gives=1)]),
    "rooms:1": (None, [join("board"), emit("draw", [1, 2]), emit("pointer", [1, 2])]),
    "rooms:2": (
        None,
        [emit("past", "tea:1", code="FORBIDDEN"), join("tea:1"), emit("past", "tea:1", gives=[])],
    ),
    "rooms:3": (
        None,
        [
            join("tea"),
            Said("publish", {"room": "tea", "event": "say", "data": "hi"}, ANY),
            emit(
                "digest",
                gives={"said": [[1, "say", "hi", None]], "more": False, "complete": True, "here": [None]},
            ),
        ],
    ),
    "rooms:4": (None, [join("room:tea"), emit("topic", "green")]),
    "sessions:0": ("secret", [emit("me", gives="ada")]),
    "sessions:1": (None, [join("room:1", code="FORBIDDEN")]),
    "sessions:2": (None, [join("chat:1", code="NAME_NEEDED"), join("chat:1", data={"name": "ada"})]),
    "sessions:4": (None, [emit("subscribe")]),
    "testing:1": (None, [emit("no", code="CLOSED")]),
    "browser:0": (None, [join("tea:1", code="FORBIDDEN"), join("tea:1", data={"name": "ada"})]),
}

# What is done in a thread, whose time no test has.
IN_A_THREAD: Final = {"events:3": (None, [emit("hash", "tea", gives=ANY)])}

# What the pages register, and nothing of it is asked by a request: running the block is the test.
REGISTERS: Final = {
    "asgi:0",
    "asgi:1",
    "backends:0",
    "collections:0",
    "collections:1",
    "collections:2",
    "crdt:0",
    "events:4",
    "monitoring:0",
    "monitoring:1",
    "monitoring:2",
    "running:0",
    "running:2",
    "tokens:1",
    "tokens:2",
}

# Blocks that define a function for a client: `test_blocks` calls it with a connected one.
CALLED: Final = {"client:1", "client:2", "collections:4", "collections:5", "crdt:1"}

# A program that speaks to a server: it is run against one.
PROGRAMS: Final = {"README:1", "client:0", "client:3", "client:4", "offline:0", "offline:1", "offline:2"}

# Tests of the guide's own: they are run as they stand.
TESTS: Final = {"networks:0", "streams:2", "testing:0", "testing:1"}

# What is run elsewhere, or can't be here, and why.
ELSEWHERE: Final = {
    "asyncio:0": "it needs PostgreSQL and SQLAlchemy; tests/unit/test_aio.py runs the same shape",
    "durable:0": "it needs a folder: `test_blocks` serves it with one",
    "streams:1": "the end of `answer`, which `streams:0` has in its place",
}
