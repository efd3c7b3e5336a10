"""permessage-deflate, RFC 7692."""

from __future__ import annotations

import pytest

from . import frames
from .client import BOTH_NO_CONTEXT, Client
from .conftest import Dial

OFFER = "permessage-deflate; client_max_window_bits"


@pytest.fixture
def ann(dial: Dial) -> Client:
    """A session that offers compression."""
    return dial(deflate=OFFER).hello()


def agreed(client: Client) -> list[str]:
    assert client.response is not None
    return [part.strip() for part in (client.response.get("sec-websocket-extensions") or "").split(";")]


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        OFFER,
        "permessage-deflate; client_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=15",
        "x-webkit-deflate-frame, permessage-deflate",
        "permessage-deflate; server_max_window_bits=9, permessage-deflate",
        "permessage-deflate; unknown=1, permessage-deflate",
        "permessage-deflate; client_max_window_bits=99, permessage-deflate",
    ],
)
def test_the_answer_has_always_both_no_context_takeover(dial: Dial, offer: str) -> None:
    ann = dial(deflate=offer)
    assert ann.deflates
    assert agreed(ann)[0] == "permessage-deflate"
    assert set(agreed(ann)[1:]) >= BOTH_NO_CONTEXT
    text = "again and again " * 500
    assert ann.hello().emit("echo", text) == text


@pytest.mark.parametrize(
    "offer",
    ["x-webkit-deflate-frame", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits=7"],
)
def test_an_offer_it_cannot_take_is_declined_and_not_refused(dial: Dial, offer: str) -> None:
    ann = dial(deflate=offer)
    assert not ann.deflates
    assert ann.hello().emit("echo", 1) == 1


def test_a_large_message_is_compressed_and_each_one_for_itself(ann: Client) -> None:
    text = "again and again " * 500
    for _ in range(3):
        assert ann.emit("echo", text) == text  # the client inflates each without context
    compressed = [frame for frame in ann.data_frames if frame.compressed]
    assert len(compressed) == 3
    assert all(len(frame.payload) < 1000 for frame in compressed)


def test_a_small_message_is_not(ann: Client) -> None:
    ann.emit("echo", "small")
    assert not any(frame.compressed for frame in ann.data_frames)


def test_a_broadcast_is_the_same_bytes_for_all(dial: Dial, ann: Client, room: str) -> None:
    others = [dial(deflate=OFFER).hello() for _ in range(2)]
    plain = dial().hello()
    for one in (ann, plain, *others):
        one.join(room)
    text = "again and again " * 500
    ann.publish(room, text)
    for one in (ann, plain, *others):
        assert one.expect("event", room=room)["data"] == text
    frames_heard = {
        next(frame.payload for frame in one.data_frames if frame.compressed) for one in (ann, *others)
    }
    assert len(frames_heard) == 1
    assert not any(frame.compressed for frame in plain.data_frames)


def test_a_message_that_holds_a_key_is_never_compressed(dial: Dial, ann: Client, name: str) -> None:
    """What an attacker can make longer beside a secret tells the secret by its length."""
    for n in range(40):
        ann.join(f"relay:{name}.{n}." + "x" * 100)
    ann.fence()
    ann.drop()
    again = dial(deflate=OFFER).hello(**ann.returning())
    welcome = again.data_frames[0]
    assert len(welcome.payload) > 4000
    assert not welcome.compressed


def compressed(client: Client, said: object) -> bytes:
    return frames.encode(frames.TEXT, frames.deflate(client.encode(said)), flags=frames.RSV1)


def test_compressed_messages_of_the_client_are_read(ann: Client) -> None:
    for number in (1, 2, 3):
        ann.raw(compressed(ann, {"type": "emit", "id": number, "event": "echo", "data": "ü" * 5000}))
        assert ann.result(number) == "ü" * 5000


def test_hello_may_be_compressed(dial: Dial) -> None:
    ann = dial(deflate=OFFER)
    ann.raw(compressed(ann, {"type": "hello"}))
    ann.welcomed()


def test_a_compressed_message_in_fragments(ann: Client) -> None:
    payload = frames.deflate(ann.encode({"type": "emit", "id": 1, "event": "echo", "data": "ü" * 5000}), 0)
    third = len(payload) // 3
    ann.frame(frames.TEXT, payload[:third], fin=False, flags=frames.RSV1)
    ann.frame(frames.PING)
    ann.frame(frames.CONTINUATION, payload[third : 2 * third], fin=False)
    ann.frame(frames.CONTINUATION, payload[2 * third :])
    assert ann.result(1) == "ü" * 5000


def test_an_uncompressed_message_is_fine_too(ann: Client) -> None:
    assert ann.emit("echo", 1) == 1


def test_a_bomb_is_1009(ann: Client) -> None:
    """A megabyte of wire that would be a gigabyte in memory."""
    bomb = frames.deflate(b'"' + b"x" * (50 << 20) + b'"', 9)
    assert len(bomb) < 1 << 20
    ann.raw(frames.encode(frames.TEXT, bomb, flags=frames.RSV1))
    closed = ann.expect_bye(1009)
    assert closed.bye is not None
    assert "1048576" in closed.bye["reason"].replace(",", "").replace(" ", "")


def test_a_bomb_before_welcome_is_1009(dial: Dial) -> None:
    ann = dial(deflate=OFFER)
    ann.raw(
        frames.encode(
            frames.TEXT,
            frames.deflate(b'{"type":"hello","x":"' + b"x" * (1 << 20) + b'"}'),
            flags=frames.RSV1,
        )
    )
    ann.expect_bye(1009)


def test_data_that_cannot_be_inflated_breaks_the_connection(ann: Client) -> None:
    ann.raw(frames.encode(frames.TEXT, b"\xff\xff\xff\xff", flags=frames.RSV1))
    assert ann.expect_close().code in (1002, 1007)


def test_text_is_checked_after_inflating(ann: Client) -> None:
    ann.raw(frames.encode(frames.TEXT, frames.deflate(b"\xff\xfe" * 100), flags=frames.RSV1))
    ann.expect_bye(1007)


@pytest.mark.parametrize(
    "broken",
    [
        frames.encode(frames.PING, b"x", flags=frames.RSV1),
        frames.encode(frames.TEXT, b"x", fin=False)
        + frames.encode(frames.CONTINUATION, b"x", flags=frames.RSV1),
    ],
)
def test_rsv1_belongs_to_the_first_frame_of_a_message_alone(ann: Client, broken: bytes) -> None:
    ann.raw(broken)
    ann.expect_bye(1002)
