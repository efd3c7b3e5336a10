"""Path, subprotocols, and what a frame may hold."""

from __future__ import annotations

import pytest

from . import frames
from .client import JSON, MSGPACK, Client
from .conftest import Dial


def test_json_is_agreed_when_offered(dial: Dial) -> None:
    ann = dial(protocols=[JSON])
    assert ann.response is not None
    assert ann.response.get("sec-websocket-protocol") == JSON
    ann.hello()
    assert all(frame.opcode == frames.TEXT for frame in ann.data_frames)


def test_msgpack_is_agreed_when_offered(dial: Dial) -> None:
    ann = dial(protocols=[MSGPACK])
    assert ann.response is not None
    assert ann.response.get("sec-websocket-protocol") == MSGPACK
    ann.hello()
    assert all(frame.opcode == frames.BINARY for frame in ann.data_frames)


def test_without_an_offer_it_is_json_and_no_header(dial: Dial) -> None:
    ann = dial(protocols=[])
    assert ann.response is not None
    assert ann.response.status == 101
    assert ann.response.get("sec-websocket-protocol") is None
    assert ann.hello().emit("echo", 1) == 1


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([MSGPACK, JSON], MSGPACK),
        ([JSON, MSGPACK], JSON),
        (["graphql-ws", MSGPACK, JSON], MSGPACK),
        (["rtcore.v2.json", JSON], JSON),
    ],
)
def test_the_first_known_one_in_the_clients_order_is_chosen(
    dial: Dial, offered: list[str], chosen: str
) -> None:
    ann = dial(protocols=offered)
    assert ann.response is not None
    assert ann.response.get("sec-websocket-protocol") == chosen


def test_only_unknown_ones_get_400(dial: Dial) -> None:
    ann = dial(protocols=["graphql-ws", "rtcore.v2.json"])
    assert ann.response is not None
    ann.response.refused(400, "INVALID_MESSAGE")


def test_several_header_fields_are_one_list(dial: Dial) -> None:
    ann = dial(headers=[("Sec-WebSocket-Protocol", "other"), ("Sec-WebSocket-Protocol", JSON)])
    assert ann.response is not None
    assert ann.response.get("sec-websocket-protocol") == JSON


def test_a_binary_frame_on_a_json_connection_is_1003(ann: Client) -> None:
    ann.frame(frames.BINARY, b'{"type":"ping"}')
    ann.expect_bye(1003)


def test_a_text_frame_on_a_msgpack_connection_is_1003(dial: Dial) -> None:
    ann = dial(protocols=[MSGPACK]).hello()
    ann.frame(frames.TEXT, b'{"type":"ping"}')
    ann.expect_bye(1003)


def test_frames_may_follow_the_handshake_in_one_packet(dial: Dial) -> None:
    """The bytes after the request's head belong to the WebSocket already."""
    ann = dial(upgrade=False)
    frame = frames.encode(frames.TEXT, b'{"type":"hello"}')
    ann.raw(
        b"GET /rt/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + frame
    )
    response = ann.read_response()
    assert response.status == 101
    assert response.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 §1.3
    assert ann.welcomed()["resumed"] is False


def test_where_tcp_cuts_the_stream_changes_nothing(dial: Dial) -> None:
    """Each byte in a packet of its own: the same answers."""
    ann = dial(upgrade=False)
    stream = (
        b"GET /rt/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    for byte in stream:
        ann.raw(bytes([byte]))
    assert ann.read_response().status == 101
    for byte in frames.encode(frames.TEXT, b'{"type":"hello"}') + frames.encode(
        frames.TEXT, b'{"type":"emit","id":1,"event":"echo","data":"caf\xc3\xa9"}'
    ):
        ann.raw(bytes([byte]))
    ann.welcomed()
    assert ann.result(1) == "café"


def test_a_message_in_fragments_with_a_ping_in_between(ann: Client) -> None:
    said = '{"type":"emit","id":1,"event":"echo","data":"grüße"}'.encode()
    cut = said.index(b"\xc3") + 1  # within a character
    ann.frame(frames.TEXT, said[:cut], fin=False)
    ann.frame(frames.PING, b"in between")
    ann.frame(frames.CONTINUATION, b"", fin=False)
    ann.frame(frames.CONTINUATION, said[cut:])
    assert ann.result(1) == "grüße"
    assert ann.pongs == [b"in between"]


def test_unknown_fields_are_ignored(dial: Dial) -> None:
    ann = dial().hello(color="green", can=["dance"], streams={"5": 90})
    assert ann.emit("echo", 1, priority="high", slot=[{}]) == 1


def test_an_unknown_type_with_an_id_gets_an_error_ack(ann: Client) -> None:
    ann.refused("INVALID_MESSAGE", "teleport", to="Mars")
    assert ann.emit("echo", "still here") == "still here"


def test_an_unknown_type_without_an_id_gets_an_error(ann: Client) -> None:
    ann.send({"type": "teleport"})
    assert "teleport" in ann.fault("INVALID_MESSAGE")["message"]
    assert ann.emit("echo", "still here") == "still here"
