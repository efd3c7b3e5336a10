"""What the members of a room publish themselves, checked in the core: names and types."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

import rtcore
from rtcore._data.sayable import sayable
from rtcore.testing import memory_server


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Said(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    colour: Colour = Colour.RED
    at: tuple[float, float] | None = None


class Strict(msgspec.Struct, forbid_unknown_fields=True, tag="strict", rename="camel"):
    some_number: Annotated[int, msgspec.Meta(ge=0, lt=10)]


async def test_members_say_what_the_room_names_and_nothing_else(autojump_clock: trio.abc.Clock) -> None:
    """A client said `moderated` in a relay room, and everybody believed it."""
    app = rtcore.App()
    app.rooms("tea:*", publish={"say": Said, "wave": Any})
    app.rooms("milk", publish=["say"])
    app.rooms("quiet", publish={}, grants=["publish"])
    async with memory_server(app) as server:
        for client in (await server.welcomed(), await server.welcomed(msgpack=True)):
            for room in ("tea:1", "milk", "quiet"):
                assert "publish" in (await client.ask("join", room=room))["grants"]

            async def code(room: str, event: str, data: Any, client: Any = client) -> tuple[str, str] | None:
                answer = await client.answer(await client.begin("publish", room=room, event=event, data=data))
                return (answer["error"]["code"], answer["error"]["message"]) if "error" in answer else None

            assert await code("tea:1", "say", {"text": "hello", "at": [1, 2.5], "more": 1}) is None
            assert await code("tea:1", "wave", 5) is None
            assert await code("milk", "say", "anything") is None
            refused = await code("tea:1", "moderated", {"text": "x"})
            assert refused is not None
            assert refused[0] == "FORBIDDEN"
            assert "publish say, wave, and not" in refused[1]
            for data, where in (
                ({"text": ""}, "$.text: "),
                ({"text": "x" * 6}, "$.text: "),
                ({"text": 5}, "$.text: a text"),
                ({}, "$.text: it is missing"),
                ({"text": "x", "colour": "green"}, "$.colour: one of 2 values"),
                ({"text": "x", "at": [1, "2"]}, "$.at: "),
                ([1], "$: an object"),
                (None, "$: an object"),
            ):
                refused = await code("tea:1", "say", data)
                assert refused is not None, data
                assert refused[0] == "INVALID_MESSAGE"
                assert where in refused[1], refused
            refused = await code("quiet", "say", 1)
            assert refused is not None
            assert "publish nothing" in refused[1]
        app.room("tea:1").publish_nowait("moderated", {"anything": True})


TYPES: list[Any] = [
    Said,
    Strict,
    int,
    float,
    str,
    bool,
    None,
    list[int],
    dict[str, float],
    tuple[int, str],
    Literal["a", 1],
    int | None,
    list[Said] | Strict,
    Annotated[list[str], msgspec.Meta(max_length=2)],
    Annotated[float, msgspec.Meta(gt=0, le=1)],
]
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.floats(-1, 2).filter(lambda value: not value.is_integer()),
    st.sampled_from(["", "a", "red", "strict", "longer than five"]),
)
_names = st.sampled_from(["text", "colour", "at", "type", "someNumber", "other"])
VALUES = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=12, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=12))
def test_the_core_lets_pass_exactly_what_msgspec_reads(values: list[Any]) -> None:
    async def run() -> None:
        app = rtcore.App()
        app.rooms("tea", publish={str(n): kind for n, kind in enumerate(TYPES)})
        async with memory_server(app) as server:
            client = await server.welcomed()
            await client.ask("join", room="tea")
            for value in values:
                for n, kind in enumerate(TYPES):
                    fits = True
                    try:
                        msgspec.json.decode(msgspec.json.encode(value), type=kind)
                    except msgspec.ValidationError:
                        fits = False
                    said = await client.begin("publish", room="tea", event=str(n), data=value)
                    answer = await client.answer(said)
                    assert ("error" not in answer) == fits, (kind, value, answer)

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


class Node(msgspec.Struct):
    below: list[Node] = []


@pytest.mark.parametrize(
    ("publish", "told"),
    [
        ("say", "as in"),
        (5, "as in"),
        ({5: int}, "given a text"),
        ({"": int}, "1 to"),
        ({"$say": int}, "rtcore's own"),
        ({"say": Node}, "contains itself"),
        ({"say": Annotated[str, msgspec.Meta(pattern="^a")]}, "pattern"),
        ({"say": dict[int, str]}, "Dict"),
        ({"say": set[int]}, "Set"),
        ({"say": object()}, "cannot check"),
    ],
)
def test_what_the_core_cannot_check_is_refused_where_it_is_written(publish: Any, told: str) -> None:
    app = rtcore.App()
    with pytest.raises(rtcore.UsageError, match=told.replace("$", "[$]")):
        app.rooms("tea", publish=publish)


def test_bounds_are_those_of_the_type() -> None:
    assert sayable(Annotated[int, msgspec.Meta(gt=0, lt=10)]) == {"is": "int", "least": 1, "most": 9}
    assert sayable(Strict)["strict"]
