"""MessagePack: the same messages, and what JSON cannot say."""

from __future__ import annotations

import base64

import msgspec
import pytest

from . import frames
from .client import JSON, MSGPACK, Client
from .conftest import Dial

BLOB = bytes(range(256))
IN_JSON = {"$bin": base64.b64encode(BLOB).decode()}


@pytest.fixture
def packed(dial: Dial) -> Client:
    """A session that speaks MessagePack."""
    return dial(protocols=[MSGPACK]).hello()


def raw(client: Client, data: bytes, number: int = 1) -> None:
    """Send an emit of `echo` whose data are these bytes."""
    client.frame(
        frames.BINARY,
        b"\x84\xa4type\xa4emit\xa2id" + bytes([number]) + b"\xa5event\xa4echo\xa4data" + data,
    )


def test_binary_is_itself_and_bin_in_json(dial: Dial, packed: Client, ann: Client, room: str) -> None:
    packed.join(room)
    ann.join(room)
    packed.publish(room, {"blob": BLOB, "list": [b"", BLOB]})
    assert ann.expect("event", room=room)["data"] == {"blob": IN_JSON, "list": [{"$bin": ""}, IN_JSON]}
    ann.publish(room, [IN_JSON, {"a": IN_JSON}])
    packed.expect("event", room=room)
    assert packed.expect("event", room=room)["data"] == [BLOB, {"a": BLOB}]


def test_an_object_with_another_key_beside_bin_is_an_ordinary_one(
    packed: Client, ann: Client, room: str
) -> None:
    packed.join(room)
    ann.join(room)
    ordinary = {"$bin": "no base64 at all", "more": 1}
    ann.publish(room, ordinary)
    assert packed.expect("event", room=room)["data"] == ordinary


def test_binary_goes_through_a_handler(packed: Client, ann: Client) -> None:
    for event in ("echo", "echo-async"):
        assert packed.emit(event, [BLOB]) == [BLOB]
        assert ann.emit(event, [IN_JSON]) == [IN_JSON]


def test_binary_in_history(packed: Client, ann: Client, room: str) -> None:
    packed.join(room)
    packed.publish(room, BLOB)
    assert ann.join(room, last=1)["history"][0]["data"] == IN_JSON


@pytest.mark.parametrize(
    "data",
    [
        b"\xc7\x01\x05x",  # an extension type
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp is one too
        b"\x81\x01\x02",  # a map whose key is no text
        b"\x81\xc4\x01a\x01",  # binary as a key
        b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",  # not a number
        b"\xca\x7f\x80\x00\x00",  # infinity, as a short float
        b"\xa2\xc3\x28",  # text that is no UTF-8
        b"\xa3\xed\xa0\x80",  # a surrogate
        b"\x81\xa4$bin\xa1x",  # the reserved shape: binary is itself here
        b"\x81\xa5$date\x01",
        b"\xc1",  # the byte that is never used
    ],
)
def test_what_is_no_value_is_invalid(packed: Client, data: bytes) -> None:
    raw(packed, data)
    answer = packed.receive()
    while answer["type"] == "live":
        answer = packed.receive()
    assert (answer.get("error") or answer)["code"] == "INVALID_MESSAGE", answer
    assert packed.emit("echo", "still here") == "still here"


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_an_integer_beyond_64_bits_is_a_float_to_a_peer_that_has_none(
    packed: Client, ann: Client, bob: Client, room: str, number: int
) -> None:
    """JSON can say it and hears it whole; MessagePack has no such integer."""
    for one in (packed, ann, bob):
        one.join(room)
    request = ann.next_id()
    ann.text(f'{{"type":"publish","id":{request},"room":"{room}","event":"say","data":{number}}}')
    ann.result(request)
    assert packed.expect("event", room=room)["data"] == float(number)
    bob.expect("event", room=room)
    assert str(number).encode() in bob.data_frames[-1].payload


@pytest.mark.parametrize("number", [0, 127, 128, -32, -33, 2**32, 2**64 - 1, -(2**63)])
def test_integers_of_64_bits_stay_integers(packed: Client, ann: Client, room: str, number: int) -> None:
    packed.join(room)
    ann.join(room)
    packed.publish(room, number)
    data = ann.expect("event", room=room)["data"]
    assert (data, type(data)) == (number, int)


def test_data_is_nested_at_most_128_deep(packed: Client) -> None:
    raw(packed, b"\x91" * 127 + b"\x90", 1)
    assert "error" not in packed.ack(1)
    raw(packed, b"\x91" * 128 + b"\x90", 2)
    packed.failure(2, "INVALID_MESSAGE")
    raw(packed, b"\x91" * 100_000 + b"\x90", 3)
    packed.failure(3, "INVALID_MESSAGE")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x81",
        b"\x81\xa4type",
        b"\xc0",
        b"\x01",
        b"\x81\xa4type\xa4pingx",
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff\x01",
    ],
)
def test_a_frame_that_is_no_message_is_an_error_and_the_connection_lives(packed: Client, said: bytes) -> None:
    """The last two announce four thousand million elements: nothing may be set aside for them."""
    packed.frame(frames.BINARY, said)
    packed.expect("error", code="INVALID_MESSAGE")
    assert packed.emit("echo", "still here") == "still here"


def test_any_spelling_of_an_integer_is_an_id(packed: Client) -> None:
    for number, spelled in (
        (1, b"\x01"),
        (2, b"\xcc\x02"),
        (3, b"\xcd\x00\x03"),
        (4, b"\xcf" + bytes(7) + b"\x04"),
    ):
        packed.frame(frames.BINARY, b"\x83\xa4type\xa4emit\xa2id" + spelled + b"\xa5event\xa4echo")
        assert "error" not in packed.ack(number)


def test_an_array_of_messages(packed: Client) -> None:
    packed.frame(frames.BINARY, msgspec.msgpack.encode([{"type": "ping", "time": n} for n in range(3)]))
    assert [packed.expect("pong")["time"] for _ in range(3)] == [0, 1, 2]


def test_a_session_may_come_back_in_the_other_encoding(
    dial: Dial, ann: Client, packed: Client, room: str
) -> None:
    ann.join(room)
    packed.join(room)
    ann.fence()
    ann.drop()
    packed.publish(room, BLOB)
    again = dial(protocols=[MSGPACK]).hello(**ann.returning())
    assert again.expect("event", room=room)["data"] == BLOB
    assert again.welcome["resumed"] is True
    packed.fence()
    packed.drop()
    third = dial(protocols=[JSON]).hello(
        **{**packed.returning(), "position": packed.at(packed.welcome["seq"])}
    )
    assert third.expect("event", room=room)["data"] == IN_JSON


def test_the_same_key_and_content_in_either_encoding(dial: Dial, auth: object, name: str, room: str) -> None:
    first = dial(auth, protocols=[JSON]).hello(token=name)  # type: ignore[arg-type]
    second = dial(auth, protocols=[MSGPACK]).hello(token=name)  # type: ignore[arg-type]
    first.join(room)
    second.join(room)
    seq = first.publish(room, {"a": [1, "ü"], "b": IN_JSON}, key="k")
    assert second.publish(room, {"b": BLOB, "a": [1, "ü"]}, key="k") == seq
