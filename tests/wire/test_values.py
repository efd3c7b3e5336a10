"""What `data`, names and times may be."""

from __future__ import annotations

import time

import pytest

from .client import JSON, MSGPACK, Client
from .conftest import Dial

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**53,
    -(2**63),
    2**64 - 1,
    0.5,
    -1e300,
    "",
    "häß\u2028\u2029\U0001f600",
    '\\"/\b\f\n\r\t\u0001',
    [],
    {},
    [None, [1, [2, []]], {"a": {"b": []}}],
    {"": 1, "a b": 2, "$a": 1, "b": 2},
    "x" * 100_000,
]


@pytest.mark.parametrize("event", ["echo", "echo-async"])
@pytest.mark.parametrize("protocol", [JSON, MSGPACK])
def test_any_json_value_comes_back_as_it_was(dial: Dial, event: str, protocol: str) -> None:
    ann = dial(protocols=[protocol]).hello()
    for value in VALUES:
        assert ann.emit(event, value) == value


@pytest.mark.parametrize("protocols", [(JSON, JSON), (JSON, MSGPACK), (MSGPACK, JSON), (MSGPACK, MSGPACK)])
def test_any_json_value_is_published_as_it_was(dial: Dial, room: str, protocols: tuple[str, str]) -> None:
    ann, bob = (dial(protocols=[protocol]).hello() for protocol in protocols)
    ann.join(room)
    bob.join(room)
    for value in VALUES:
        ann.publish(room, value)
        event = bob.expect("event", room=room)
        assert event["data"] == value
        assert type(event["data"]) is type(value)


@pytest.mark.parametrize("text", ["1e2", "1.50", "-0.0", "123456789012345678901234567890", "0.1e-7"])
def test_numbers_keep_their_value(ann: Client, bob: Client, room: str, text: str) -> None:
    ann.join(room)
    bob.join(room)
    ann.text(f'{{"type":"publish","room":"{room}","event":"say","data":{text}}}')
    assert bob.expect("event", room=room)["data"] == pytest.approx(float(text), rel=1e-15)


def test_missing_data_is_null(ann: Client, room: str) -> None:
    ann.join(room)
    number = ann.ask("emit", event="echo")
    assert ann.result(number) is None
    ann.send({"type": "publish", "room": room, "event": "say"})
    assert ann.expect("event", room=room).get("data") is None


def nested(depth: int, kind: str) -> str:
    return "[" * depth + "]" * depth if kind == "array" else '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize("kind", ["array", "object"])
def test_data_is_nested_at_most_128_deep(ann: Client, kind: str) -> None:
    ann.text(f'{{"type":"emit","id":1,"event":"echo","data":{nested(128, kind)}}}')
    assert "error" not in ann.ack(1)
    ann.text(f'{{"type":"emit","id":2,"event":"echo","data":{nested(129, kind)}}}')
    ann.failure(2, "INVALID_MESSAGE")
    ann.text(f'{{"type":"emit","id":3,"event":"echo","data":{nested(100_000, kind)}}}')
    ann.failure(3, "INVALID_MESSAGE")
    ann.ids = 3
    assert ann.emit("echo", "still here") == "still here"


def test_data_is_kept_without_line_breaks(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    bob.join(room)
    ann.text(
        f'{{"type":"publish","room":"{room}","event":"say","data":{{\r\n  "a": [1,\n 2],\n "b": "x\\ny"}}}}'
    )
    assert bob.expect("event", room=room)["data"] == {"a": [1, 2], "b": "x\ny"}
    payload = bob.data_frames[-1].payload
    assert b"\n" not in payload
    assert b"\r" not in payload


@pytest.mark.parametrize(
    "data",
    [
        '{"$bin":"not base64!"}',
        '{"$bin":"abc"}',
        '{"$bin":17}',
        '{"$bin":null}',
        '{"a":[{"$bin":"*"}]}',
        '{"$date":"2025-01-01"}',
        '{"$":1}',
        '{"a":{"$ref":"x"}}',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '{"\\ud800":1}',
        "NaN",
        "Infinity",
        "-Infinity",
        "01",
        "1.",
        ".5",
        "'a'",
        '"a',
        "tru",
        '{"a":1,}',
        "[1,]",
        '{"a" 1}',
        '"\t"',
    ],
)
def test_what_is_no_value_is_invalid(ann: Client, name: str, room: str, data: str) -> None:
    ann.join(room)
    ann.text(f'{{"type":"publish","id":7,"room":"{room}","event":"say","data":{data}}}')
    answer = ann.receive()
    while answer["type"] in ("presence", "live"):
        answer = ann.receive()
    assert answer["type"] in ("ack", "error")
    assert (answer.get("error") or answer)["code"] == "INVALID_MESSAGE"
    ann.fence()
    assert ann.events(room) == []


@pytest.mark.parametrize(
    "text", ["", " ", "hello", "17", '"text"', "null", "{", "{}{}", '{"type":"ping"}x', "[", "\ufeff{}"]
)
def test_a_frame_that_is_no_message_is_an_error_and_the_connection_lives(ann: Client, text: str) -> None:
    ann.text(text)
    ann.fault("INVALID_MESSAGE")
    assert ann.emit("echo", "still here") == "still here"


def test_white_space_around_a_message_is_no_fault(ann: Client) -> None:
    ann.text('\n { "id" : 1 , "data" : 5 ,\t"event":"echo", "type" : "emit" } \r\n')
    assert ann.result(1) == 5


@pytest.mark.parametrize("field", ["room", "event"])
@pytest.mark.parametrize("bad", ["", "x" * 256, "ü" * 128, "a\nb", "a\u0000", "\u007f", 5, None, ["a"]])
def test_names_have_1_to_255_bytes_and_no_control_characters(
    ann: Client, room: str, field: str, bad: object
) -> None:
    ann.join(room)
    ann.refused("INVALID_MESSAGE", "publish", **{"room": room, "event": "say", field: bad})


def test_a_name_may_have_255_bytes(ann: Client) -> None:
    assert ann.emit("e" * 255) == "longest"
    room = "relay:" + "ü" * 124 + "x"
    assert len(room.encode()) == 255
    ann.join(room)
    ann.publish(room, 1, event="ü" * 127 + "x")
    assert ann.expect("event", room=room)["event"] == "ü" * 127 + "x"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "join"},
        {"type": "join", "room": 5},
        {"type": "leave"},
        {"type": "publish", "event": "say"},
        {"type": "publish", "room": "relay:x", "event": "say", "echo": "yes"},
        {"type": "publish", "room": "relay:x", "event": "say", "volatile": 1},
        {"type": "publish", "room": "relay:x", "event": "say", "key": []},
        {"type": "history", "room": "relay:x", "limit": "many"},
        {"type": "history", "room": "relay:x", "after": 5},
        {"type": "join", "room": "relay:x", "since": 100},
        {"type": "emit"},
        {"type": "emit", "event": {}},
        {"type": "auth"},
        {"type": "auth", "token": 5},
        {"type": 17},
        {"kind": "emit", "event": "echo"},
    ],
)
def test_a_bad_field_is_answered_and_the_connection_lives(ann: Client, message: dict[str, object]) -> None:
    """With an id in an error ack, wherever the id stands; without one in an `error`."""
    ann.send({**message, "id": 1})
    ann.failure(1, "INVALID_MESSAGE")
    ann.send({"id": 2, **message})
    ann.failure(2, "INVALID_MESSAGE")
    ann.send(message)
    ann.fault("INVALID_MESSAGE")
    ann.ids = 2
    assert ann.emit("echo", "still here") == "still here"


def test_times_are_milliseconds_since_1970(ann: Client, room: str) -> None:
    ann.join(room)
    ann.publish(room, 1)
    event = ann.expect("event", room=room)
    assert isinstance(event["time"], int)
    assert abs(event["time"] - time.time() * 1000) < 60_000
