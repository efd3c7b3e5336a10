"""Compression that is ours: agreed on in the hello, carried by binary frames that begin with 0xC1."""

from __future__ import annotations

import gzip
import os

import pytest

from . import frames
from .client import MSGPACK, Client, Message
from .conftest import Dial, Servers
from .test_compression import OFFER

ALL = ["zstd", "br", "lz4", "gzip"]
TEXT = "again and again " * 500


def packed_frames(client: Client) -> list[bytes]:
    return [frame.payload for frame in client.data_frames if frame.payload.startswith(frames.MARK)]


def emit(client: Client, text: object = TEXT, number: int = 1) -> Message:
    return {"type": "emit", "id": number, "event": "echo", "data": text}


@pytest.mark.parametrize(
    ("wish", "agreed"),
    [
        (None, None),
        ([], None),
        (["snappy", "deflate"], None),
        (["snappy", "lz4", "gzip"], "lz4"),
        *((list(reversed(ALL[: at + 1])), name) for at, name in enumerate(ALL)),
    ],
)
def test_the_first_wish_that_is_known_is_agreed_on(dial: Dial, wish: object, agreed: object) -> None:
    ann = dial().hello(**({} if wish is None else {"compress": wish}))
    assert ann.welcome["compress"] == agreed


@pytest.mark.parametrize("wish", ["zstd", {"zstd": 1}, [1], [None]])
def test_a_wish_that_is_no_list_of_words_is_refused(dial: Dial, wish: object) -> None:
    ann = dial()
    ann.send({"type": "hello", "compress": wish})
    ann.expect_bye(4504)


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("protocol", ["rtcore.v1.json", MSGPACK])
def test_what_is_long_is_compressed_both_ways(dial: Dial, algorithm: str, protocol: str) -> None:
    ann = dial(protocols=(protocol,)).hello(compress=[algorithm])
    assert ann.emit("echo", "short") == "short"
    assert not packed_frames(ann)
    for number in (7, 8, 9):
        ann.frame(frames.BINARY, frames.pack(algorithm, ann.encode(emit(ann, number=number))))
        assert ann.result(number) == TEXT
    assert len(packed_frames(ann)) == 3
    assert all(len(payload) < 1000 for payload in packed_frames(ann))


@pytest.mark.parametrize("algorithm", ALL)
def test_a_receiver_takes_any_size_and_fragments(dial: Dial, algorithm: str) -> None:
    ann = dial().hello(compress=[algorithm])
    payload = frames.pack(algorithm, ann.encode(emit(ann, "tiny")))
    ann.frame(frames.BINARY, payload[:1], fin=False)
    ann.frame(frames.PING)
    ann.frame(frames.CONTINUATION, payload[1:9], fin=False)
    ann.frame(frames.CONTINUATION, payload[9:])
    assert ann.result(1) == "tiny"


def test_an_array_in_a_compressed_frame_is_so_many_messages(dial: Dial) -> None:
    ann = dial().hello(compress=ALL)
    ann.frame(frames.BINARY, frames.pack("zstd", ann.encode([emit(ann, n, n) for n in range(1, 50)])))
    assert [ann.result(n) for n in range(1, 50)] == list(range(1, 50))


def test_beside_permessage_deflate_ours_is_used_and_not_both(dial: Dial) -> None:
    ann = dial(deflate=OFFER).hello(compress=["zstd"])
    assert ann.emit("echo", TEXT) == TEXT
    assert len(packed_frames(ann)) == 1
    assert not any(frame.compressed for frame in ann.data_frames)


def test_a_deflated_frame_that_is_compressed_is_taken_all_the_same(dial: Dial) -> None:
    """A browser cannot choose whether permessage-deflate is used on a frame."""
    ann = dial(deflate=OFFER).hello(compress=["zstd"])
    payload = frames.deflate(frames.pack("zstd", ann.encode(emit(ann))))
    ann.raw(frames.encode(frames.BINARY, payload, flags=frames.RSV1))
    assert ann.result(1) == TEXT


def test_an_entry_is_compressed_once_for_all_listeners_of_one_encoding(dial: Dial, room: str) -> None:
    same = [dial().hello(compress=["zstd"]) for _ in range(3)]
    other, plain = dial().hello(compress=["br"]), dial().hello()
    for one in (*same, other, plain):
        one.join(room)
    same[0].publish(room, TEXT)
    for one in (*same, other, plain):
        assert one.expect("event", room=room)["data"] == TEXT
    assert len({packed_frames(one)[-1] for one in same}) == 1
    assert packed_frames(other)[-1] != packed_frames(same[0])[-1]
    assert not packed_frames(plain)


def test_what_comes_again_after_a_return_is_compressed_as_the_new_hello_says(dial: Dial, room: str) -> None:
    ann, bob = dial().hello(compress=["zstd"]), dial().hello()
    ann.join(room)
    ann.drop()
    bob.join(room)
    bob.publish(room, TEXT)
    again = dial().hello(**ann.returning(), compress=["lz4"])
    assert again.welcome["resumed"]
    assert again.expect("event", room=room)["data"] == TEXT
    assert packed_frames(again)[0][1] == frames.ALGORITHMS["lz4"]
    again.drop()
    bob.publish(room, TEXT)
    third = dial().hello(**again.returning())
    assert third.welcome["compress"] is None
    assert third.expect("event", room=room)["data"] == TEXT
    assert not packed_frames(third)


def test_a_welcome_is_never_compressed(dial: Dial, name: str) -> None:
    """What an attacker can make longer beside a secret tells the secret by its length."""
    ann = dial().hello(compress=ALL)
    for n in range(40):
        ann.join(f"relay:{name}.{n}." + "x" * 100)
    ann.fence()
    ann.drop()
    again = dial().hello(**ann.returning(), compress=ALL)
    assert len(again.data_frames[0].payload) > 4000
    assert not again.data_frames[0].payload.startswith(frames.MARK)


def test_nothing_of_a_room_that_is_excluded_is_compressed(dial: Dial, servers: Servers, name: str) -> None:
    """The attack: who sees lengths on the wire, and says something, learns what else is in a message."""
    room, other = f"unpacked:{name}", f"relay:{name}"
    server = servers.start("app_packed")
    ann, bob = dial(server).hello(compress=["zstd"]), dial(server, deflate=OFFER).hello()
    for one in (ann, bob):
        one.join(room)
        one.join(other)
    ann.publish(room, TEXT)
    for one in (ann, bob):
        assert one.expect("event", room=room)["data"] == TEXT
    bob.publish(other, TEXT)
    for one in (ann, bob):
        assert one.expect("event", room=other)["data"] == TEXT
    assert len(packed_frames(ann)) == 1
    assert sum(frame.compressed for frame in bob.data_frames) == 1
    ann.ok("history", room=room)
    assert len(packed_frames(ann)) == 1


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (frames.pack("gzip", b'{"type":"ping"}'), 1003),
        (frames.MARK + b"\x00" + gzip.compress(b"{}"), 1003),
        (frames.MARK + b"\x05" + gzip.compress(b"{}"), 1003),
        (frames.MARK, 1007),
        (frames.MARK + b"\x04", 1007),
        (frames.MARK + b"\x04not zstd", 1007),
        (frames.pack("zstd", b'{"type":"ping"}')[:-1], 1007),
        (frames.pack("zstd", b'{"type":"ping"}') + b"\x00", 1007),
        (frames.pack("zstd", b'{"type":"ping"}') * 2, 1007),
        (frames.pack("zstd", frames.pack("zstd", b'{"type":"ping"}')), 1007),
        (frames.pack("zstd", b'{"type":"\xff"}'), 1007),
    ],
)
def test_what_is_not_what_was_agreed_on_ends_the_connection(dial: Dial, payload: bytes, code: int) -> None:
    ann = dial().hello(compress=["zstd"])
    ann.frame(frames.BINARY, payload)
    ann.expect_bye(code)


def test_a_compressed_frame_without_agreement_is_1003(dial: Dial) -> None:
    for ann in (dial(), dial().hello(), dial(protocols=(MSGPACK,)).hello()):
        ann.frame(frames.BINARY, frames.pack("zstd", ann.encode({"type": "ping"})))
        ann.expect_bye(1003)


@pytest.mark.parametrize("algorithm", ALL)
def test_a_bomb_is_1009_and_its_reason_has_both_numbers(dial: Dial, algorithm: str) -> None:
    """Some kilobytes of wire that would be many megabytes in memory."""
    bomb = frames.pack(algorithm, b'"' + b"x" * (50 << 20) + b'"')
    assert len(bomb) < 1 << 20
    ann = dial().hello(compress=[algorithm])
    ann.frame(frames.BINARY, bomb)
    closed = ann.expect_bye(1009)
    assert closed.bye is not None
    assert "1048576" in closed.bye["reason"]
    assert str(len(bomb) - 2) in closed.bye["reason"]


def test_what_does_not_shrink_is_sent_as_it_is(dial: Dial) -> None:
    ann = dial(protocols=(MSGPACK,)).hello(compress=ALL)
    noise = os.urandom(5000)
    assert ann.emit("echo", noise) == noise
    assert not packed_frames(ann)
