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
    "README:greet": (None, [emit("greet", "Ann", gives="Hello Ann")]),
    "docs-index:greet": (None, [emit("greet", "Ann", gives="Hello Ann")]),
    "around:count": (None, [emit("count", code="FORBIDDEN")]),
    "collections:tidy": (None, [emit("tidy", gives=0)]),
    "events:order": (
        None,
        [
            emit("order", {"tea": "Assam", "cups": 2}, gives={"left": 1}),
            emit("order", {"tea": "Assam", "cups": 2}, code="SOLD_OUT"),
            emit("order", {"tea": 1}, code="INVALID_MESSAGE"),
        ],
    ),
    "events:say": (
        None,
        [
            emit("say", {"room": "tea:1", "text": "hi"}, code="FORBIDDEN"),
            join("tea:1"),
            emit("say", {"room": "tea:1", "text": "hi"}),
        ],
    ),
    "events:paid": (None, [emit("paid", 7, gives=1), emit("paid", 7, gives=1)]),
    "events:say:6": (None, [emit("chat:say", "hi", gives="you said hi"), join("chat:room:1")]),
    "first-steps:order": (None, [emit("order", {"tea": "Assam"}, gives={"number": 1}), join("tea:1")]),
    "first-steps:who": ("secret", []),
    "rooms:announce": (None, [join("tea:quiet"), emit("announce", "tea", gives=1)]),
    "rooms:pointer": (None, [join("board"), emit("draw", [1, 2]), emit("pointer", [1, 2])]),
    "rooms:past": (
        None,
        [emit("past", "tea:1", code="FORBIDDEN"), join("tea:1"), emit("past", "tea:1", gives=[])],
    ),
    "rooms:digest": (
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
    "rooms:5": (
        None,
        [
            join("tea:1"),
            Said("publish", {"room": "tea:1", "event": "say", "data": {"text": "hi"}}, ANY),
            Said("publish", {"room": "tea:1", "event": "say", "data": 1}, code="INVALID_MESSAGE"),
            Said("publish", {"room": "tea:1", "event": "moderated"}, code="FORBIDDEN"),
        ],
    ),
    "rooms:empty": (None, [join("tea:1"), Said("leave", {"room": "tea:1"}, ANY)]),
    "rooms:count": (None, [join("tea"), Said("publish", {"room": "tea", "event": "say", "data": "hi"}, ANY)]),
    "rooms:set_topic": (None, [join("room:tea"), emit("topic", "green")]),
    "sessions:me": ("secret", [emit("me", gives="ada")]),
    "sessions:back": (None, []),
    "sessions:enter": (None, [join("room:1", code="FORBIDDEN")]),
    "sessions:named": (None, [join("chat:1", code="NAME_NEEDED"), join("chat:1", data={"name": "ada"})]),
    "sessions:leave": (None, [emit("subscribe")]),
    "from-socketio:say": (
        "secret-ann",
        [
            emit("say", {"room": "chat:tea", "text": "hi"}, code="FORBIDDEN"),
            join("chat:tea", last=50),
            emit("say", {"room": "chat:tea", "text": " "}, code="EMPTY"),
            emit("say", {"room": "chat:tea", "text": 5}, code="INVALID_MESSAGE"),
            emit("say", {"room": "chat:tea", "text": "hi"}, gives={"seq": 1}),
        ],
    ),
    "from-fastapi:drunk": (
        "secret",
        [
            join("orders", last=50),
            emit("drunk", {"tea": "Assam", "cups": 2}),
            emit("drunk", {"tea": "Assam"}, code="INVALID_MESSAGE"),
        ],
    ),
    "testing:test_refused": (None, [emit("no", code="CLOSED")]),
    "browser:enter": (None, [join("tea:1", code="FORBIDDEN"), join("tea:1", data={"name": "ada"})]),
}

# What is done in a thread, whose time no test has.
IN_A_THREAD: Final = {"events:hash_it": (None, [emit("hash", "tea", gives=ANY)])}

# What the pages register, and nothing of it is asked by a request: running the block is the test.
REGISTERS: Final = {
    "asgi:order",
    "asgi:2",
    "backends:publish",
    "collections:members",
    "collections:first_come",
    "collections:index",
    "collections:named",
    "coming-from-firestore:may",
    "coming-from-powersync:mirror",
    "coming-from-replicache:may",
    "crdt:1",
    "crdt:nominate",
    "text:1",
    "text:text_of",
    "text:put_in",
    "events:news",
    "watching:operator",
    "watching:jobs",
    "watching:3",
    "watching:4",
    "running:1",
    "running:news",
    "tokens:2",
    "tokens:who",
}

# Blocks that define a function for a client: `test_blocks` calls it with a connected one.
CALLED: Final = {
    "client:order",
    "client:watch",
    "collections:follow",
    "collections:tidy:8",
    "crdt:vote",
    "text:write",
}

# A program that speaks to a server: it is run against one.
PROGRAMS: Final = {
    "README:2",
    "client:main",
    "client:serve",
    "client:5",
    "offline:measure",
    "offline:main",
    "offline:main:3",
}

# Tests of the guide's own: they are run as they stand.
TESTS: Final = {
    "testing:test_what_a_route_says_is_heard",
    "networks:test_a_cut_is_not_heard",
    "streams:test_answer",
    "testing:test_nothing_is_missed",
    "testing:test_refused",
}

# What is run elsewhere, or can't be here, and why.
ELSEWHERE: Final = {
    "typed:1": "a line of an application",
    "typed:2": "lines of an application",
    "asyncio:on_stock": "it needs PostgreSQL; tests/interop/test_asyncio_libraries.py runs the same shape",
    "asyncio:answer": "it needs openai and its key; `streams:upload` and `examples/tokens.py` have its shape",
    "durable:buy": "it needs a folder: `test_blocks` serves it with one",
    "collections:note": "the same",
    "streams:release": "the end of `answer`, which `streams:upload` has in its place",
}
