"""Broken frames: RFC 6455's code, after a `bye` that says what was wrong."""

from __future__ import annotations

import struct

import pytest

from . import frames
from .client import Client
from .conftest import Dial, Servers

BROKEN = {
    "not masked": frames.encode(frames.TEXT, b"{}", masked=False),
    "a ping that is not masked": frames.encode(frames.PING, b"", masked=False),
    "RSV1 without compression": frames.encode(frames.TEXT, b"{}", flags=frames.RSV1),
    "RSV2": frames.encode(frames.TEXT, b"{}", flags=frames.RSV2),
    "RSV3": frames.encode(frames.TEXT, b"{}", flags=frames.RSV3),
    "a reserved data frame": frames.encode(0x3, b"x"),
    "a reserved control frame": frames.encode(0xB, b"x"),
    "a ping in fragments": frames.encode(frames.PING, b"x", fin=False),
    "a ping of 126 bytes": frames.encode(frames.PING, b"x" * 126),
    "a close frame of 126 bytes": frames.encode(frames.CLOSE, struct.pack("!H", 1000) + b"x" * 124),
    "a continuation of nothing": frames.encode(frames.CONTINUATION, b"x"),
    "a new message within another": frames.encode(frames.TEXT, b"x", fin=False)
    + frames.encode(frames.TEXT, b"x"),
    "a close frame of one byte": frames.encode(frames.CLOSE, b"\x03"),
    "a length above 63 bits": b"\x81\xff" + b"\xff" * 8 + b"mask",
    **{
        f"close code {code}": frames.close(code)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1100, 2999, 5000, 65535)
    },
}


@pytest.mark.parametrize("broken", list(BROKEN))
def test_broken_framing_is_1002(ann: Client, broken: str) -> None:
    ann.raw(BROKEN[broken])
    ann.expect_bye(1002)
    ann.ended()


@pytest.mark.parametrize(
    "broken",
    [
        frames.encode(frames.TEXT, b"\xff"),
        frames.encode(frames.TEXT, b'{"type":"ping","x":"\xc3\x28"}'),
        frames.encode(frames.TEXT, b"\xed\xa0\x80"),
        frames.encode(frames.TEXT, b"\xf5\x80\x80\x80"),
        frames.encode(frames.TEXT, b'"\xc3"'),
        frames.encode(frames.TEXT, b'"\xc3', fin=False) + frames.encode(frames.CONTINUATION, b'x"'),
        frames.encode(frames.TEXT, b'{"a":"\xe2\x82'),
        frames.close(1000, b"\xff"),
    ],
)
def test_text_that_is_no_utf8_is_1007(ann: Client, broken: bytes) -> None:
    ann.raw(broken)
    ann.expect_bye(1007)
    ann.ended()


def test_bad_utf8_is_noticed_before_the_message_is_complete(ann: Client) -> None:
    """Nobody has to take a megabyte to see that its first byte is wrong."""
    ann.raw(frames.encode(frames.TEXT, b"\xff" * 10, fin=False))
    ann.expect_bye(1007)


def test_an_oversized_message_is_1009_and_says_how_much_and_the_limit(ann: Client) -> None:
    """Refused by what it announces: not one byte of it needs to be taken."""
    ann.raw(frames.encode(frames.TEXT, b"", announced=(1 << 20) + 1))
    closed = ann.expect_bye(1009)
    assert closed.bye is not None
    said = closed.bye["reason"].replace(",", "").replace(" ", "")
    assert "1048577" in said
    assert "1048576" in said


def test_a_message_of_exactly_the_limit_is_taken(ann: Client) -> None:
    head = b'{"type":"emit","id":1,"event":"echo","data":"'
    ann.frame(frames.TEXT, head + b"x" * ((1 << 20) - len(head) - 2) + b'"}')
    assert len(ann.result(1)) == (1 << 20) - len(head) - 2


def test_fragments_do_not_get_around_the_limit(ann: Client) -> None:
    half = b"x" * (600 << 10)
    ann.frame(frames.TEXT, half, fin=False)
    ann.raw(frames.encode(frames.CONTINUATION, half[: 1 << 10], announced=len(half)))
    ann.expect_bye(1009)


def test_the_limit_is_a_setting(dial: Dial, special: Servers) -> None:
    ann = dial(special.start(max_message=2000)).hello()
    assert ann.welcome["limits"]["max_message"] == 2000
    assert ann.emit("echo", "x" * 1900) == "x" * 1900
    ann.send({"type": "emit", "event": "echo", "data": "x" * 2000})
    ann.expect_bye(1009)


def test_a_ping_is_answered_with_its_payload(ann: Client) -> None:
    for payload in (b"", b"abc", bytes(range(125))):
        ann.frame(frames.PING, payload)
    ann.emit("echo")
    assert ann.pongs == [b"", b"abc", bytes(range(125))]


def test_a_pong_that_nobody_asked_for_is_ignored(ann: Client) -> None:
    ann.frame(frames.PONG, b"unasked")
    assert ann.emit("echo", 1) == 1


@pytest.mark.parametrize("code", [None, 1000, 1001, 1003, 1011, 3000, 4000, 4999])
def test_a_close_frame_is_answered_with_its_code(ann: Client, code: int | None) -> None:
    ann.raw(frames.close(code, b"" if code is None else b"going"))
    closed = ann.expect_close()
    assert closed.code == (code or 1005) or (code is None and closed.code == 1000)
    ann.ended()


def test_what_is_sent_after_a_close_frame_is_ignored(ann: Client, bob: Client, name: str) -> None:
    """Sends after close: nothing of it may be done."""
    said = ann.encode({"type": "emit", "id": 1, "event": "count", "data": name})
    ann.raw(frames.close(1000) + frames.encode(frames.TEXT, said))
    ann.expect_close()
    ann.none("ack")
    assert bob.emit("counted", name) == 0


def test_a_broken_frame_harms_nobody_else(ann: Client, bob: Client, room: str) -> None:
    bob.join(room)
    ann.join(room)
    ann.raw(BROKEN["RSV2"])
    ann.expect_bye(1002)
    bob.publish(room, "on we go")
    assert bob.expect("event", room=room)["data"] == "on we go"


def test_what_came_before_the_broken_frame_is_done(ann: Client, bob: Client, name: str) -> None:
    said = ann.encode({"type": "emit", "id": 1, "event": "count", "data": name})
    ann.raw(frames.encode(frames.TEXT, said) + BROKEN["RSV2"])
    ann.expect_bye(1002)
    assert bob.emit("counted", name) == 1


def test_an_endless_row_of_empty_fragments_is_bounded(ann: Client) -> None:
    ann.frame(frames.TEXT, b"[", fin=False)
    empty = frames.encode(frames.CONTINUATION, b"", fin=False)
    try:
        for _ in range(200):
            ann.raw(empty * 1000)
    except ConnectionError:
        pass
    assert ann.expect_close().code in (1002, 1006, 1008, 1009)
