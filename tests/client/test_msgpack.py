"""A client that speaks MessagePack hears, says and survives what one of JSON does."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from rtcore.client.links import websocket
from rtcore.client.packed import pack, pack_frame, packed_events, unpack
from rtcore.client.words import Unreadable, data_of, encode
from rtcore.errors import UsageError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcdefgh", min_size=1), inner),
    max_leaves=20,
)


@given(VALUES)
def test_a_value_packed_is_the_value(value) -> None:
    message = encode({"type": "emit", "data": data_of(value)})
    assert unpack(pack(message)) == [{"type": "emit", "data": value}]


def test_several_messages_are_one_array() -> None:
    said = [{"type": "ping", "time": number} for number in range(20)]
    assert unpack(pack_frame([encode(one) for one in said])) == said


def test_an_integer_beyond_64_bits_is_a_float_and_stops_nothing_else() -> None:
    message = encode({"type": "emit", "data": data_of([2**70, 1, {"a": -(2**70)}])})
    assert unpack(pack(message))[0]["data"] == [float(2**70), 1, {"a": -float(2**70)}]


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x93\x01", b"\x01", b"\x81\xa4type\x01", b"\x91\x90", b"\xa1\xff"]
)
def test_what_is_no_message_is_unreadable(data) -> None:
    with pytest.raises(Unreadable):
        unpack(data)
    with pytest.raises(Unreadable):
        packed_events(data)


async def test_it_speaks_msgpack_and_binary_is_itself(net, app, autojump_clock, monkeypatch) -> None:
    heard: list[bytes] = []
    monkeypatch.setattr(websocket, "unpack", lambda data: heard.append(data) or unpack(data))
    async with net.client(encoding="msgpack", transport="websocket") as client:
        assert heard  # the welcome, at least
        room = await client.join("tea")
        tea = aiter(room)
        for data in (b"\x00\xff", {"a": [1, None, "é"]}, "x" * 70_000):
            await room.publish("say", data)
            assert (await anext(tea)).data == data
        assert await client.emit("count", 2**70) == 1
        assert app.done == [float(2**70)]
        assert [item async for item in client.stream("answer", {"count": 100})] == list(range(100))


async def test_what_waited_as_json_leaves_as_msgpack_after_a_cut(net, app, autojump_clock) -> None:
    async with net.client(encoding="msgpack") as client:
        net.down = True
        await net.cut()
        handle = client.send("count", b"\x01")
        await trio.testing.wait_all_tasks_blocked()
        net.down = False
        assert await handle.applied == 1
        assert app.done == [b"\x01"]


@pytest.mark.parametrize("transport", ["sse", "polling"])
async def test_over_plain_http_it_speaks_json(net, transport, autojump_clock) -> None:
    async with net.client(encoding="msgpack", transport=transport) as client:
        assert await client.emit("count", 1) == 1


async def test_another_encoding_is_a_mistake_that_is_told(net, autojump_clock) -> None:
    with pytest.raises(UsageError, match="msgpack"):
        async with net.client(encoding="xml"):
            pass
