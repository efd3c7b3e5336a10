"""What a client says and hears is compressed as both ends agreed, and nobody sees the difference."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from rtcore._ground.peer import Peer, compress
from rtcore.client.links.compressing import ORDER, compress_of
from rtcore.client.links.websocket import WebSocketLink
from rtcore.client.words import holds_secret
from rtcore.errors import UsageError

TEXT = "again and again " * 500


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@pytest.mark.parametrize("wish", [*ORDER, "deflate"])
async def test_over_a_websocket(net, app, autojump_clock, wish, encoding) -> None:
    async with net.client(transport="websocket", compress=wish, encoding=encoding) as client:
        room = await client.join("tea")
        tea = aiter(room)
        await client.emit("chat:message", {"room": "tea", "text": TEXT})
        assert (await anext(tea)).data["text"] == TEXT
        link = client._runner._links[client._machine.gen]
        assert link.sent < len(TEXT)
        assert link.received < len(TEXT)
        assert link.compressed == (wish == "deflate")


@pytest.mark.parametrize("transport", ["sse", "polling"])
@pytest.mark.parametrize("wish", ["zstd", "br", "gzip"])
async def test_over_plain_http(net, app, autojump_clock, transport, wish) -> None:
    async with net.client(transport=transport, compress=wish) as client:
        room = await client.join("tea")
        tea = aiter(room)
        for _ in range(3):
            await client.emit("chat:message", {"room": "tea", "text": TEXT})
            assert (await anext(tea)).data["text"] == TEXT
        link = client._runner._links[client._machine.gen]
        history, _ = await client._entering.history("tea", None, 100, None)
        assert len(history) == 3
        assert link.sent < len(TEXT)
        if transport == "polling":
            assert link.received < 3 * len(TEXT)


async def test_none_is_none(net, app, autojump_clock) -> None:
    async with net.client(transport="websocket", compress=False) as client:
        await client.emit("count", TEXT)
        link = client._runner._links[client._machine.gen]
        assert link.sent > len(TEXT)
        assert not link.compressed


def test_the_wish_is_read_once_and_refused_where_it_names_nothing() -> None:
    assert compress_of(True).ours == ORDER
    assert compress_of(True).deflate
    assert compress_of(False) == compress_of(())
    assert compress_of(["lz4", "deflate", "lz4"]).ours == ("lz4",)
    assert compress_of("lz4").codings == ()
    with pytest.raises(UsageError, match="snappy"):
        compress_of("snappy")


async def test_connecting_with_a_wish_that_names_nothing(net, app, autojump_clock) -> None:
    with pytest.raises(UsageError, match="snappy"):
        async with net.client(compress=["zstd", "snappy"]):
            pass


def test_what_holds_a_token_is_known_by_its_type() -> None:
    assert holds_secret(b'{"type":"hello","v":1}')
    assert holds_secret(b'{"type":"auth","id":3,"token":"t"}')
    assert not holds_secret(b'{"type":"emit","id":3,"event":"auth"}')


def test_a_frame_that_holds_a_token_is_compressed_in_no_way() -> None:
    """What an attacker can make longer beside a secret tells the secret by its length."""
    peer = Peer(0, (True, True), 1 << 20, 1024)
    peer.agree("zstd")
    payload = b'{"type":"auth","token":"' + b"x" * 5000 + b'"}'
    assert len(peer.write(payload, b"\0\0\0\0", False)) > 5000
    assert len(peer.write(payload, b"\0\0\0\0", True)) < 200


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\xc1\x04" + compress("zstd", b"[" * 2000)[:-1], 1007),
        (b"\xc1\x01" + compress("gzip", b"{}"), 1003),
        (b"\xc1\x04" + compress("zstd", b" " * 3000), 1009),
    ],
)
def test_a_server_that_compresses_what_it_should_not_is_left(payload, code) -> None:
    peer = Peer(0, None, 2000, 1024)
    peer.agree("zstd")
    frame = bytes([0x82, 126]) + len(payload).to_bytes(2, "big") + payload
    frame = frame if len(payload) > 125 else bytes([0x82, len(payload)]) + payload
    assert peer.take(frame)[-1][2] == code


def test_an_algorithm_that_nobody_asked_for_is_no_agreement() -> None:
    with pytest.raises(ValueError, match="snappy"):
        Peer(0, None, 2000, 1024).agree("snappy")


class Ears:
    """What a link hears, agreeing to what a welcome says."""

    def __init__(self, link: WebSocketLink) -> None:
        self.link, self.heard = link, []

    def messages(self, messages) -> None:
        for said in messages:
            if said["type"] == "welcome":
                self.link.welcomed("s", "k", said["compress"])
        self.heard += [said["type"] for said in messages]

    def events(self, events, size) -> None:
        self.heard += ["event"] * len(events)


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 50, 10_000])
def test_what_comes_behind_a_welcome_in_the_same_bytes_is_read_as_it_says(cut) -> None:
    """What was missed follows at once, compressed: 1003 at each return, and the client never comes back."""

    def framed(opcode: int, payload: bytes) -> bytes:
        assert len(payload) < 126
        return bytes([0x80 | opcode, len(payload)]) + payload

    event = b'{"type":"event","event":"say","data":"' + b"long " * 400 + b'","seq":1}'
    wire = framed(1, b'{"type":"welcome","compress":"zstd"}') + framed(
        2, b"\xc1\x04" + compress("zstd", event)
    )
    link = WebSocketLink(trio.testing.memory_stream_pair()[0], None)
    ears = Ears(link)
    for at in range(0, len(wire), cut):
        link.take(wire[at : at + cut], ears)
    assert ears.heard == ["welcome", "event"]
