"""The client of `websockets` that blocks, as a script would use it. And what a message may be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.sync.client import ClientConnection

from tests.interop.scripts import Message, Script
from tests.interop.test_clients import SECONDS, offered, talks

MIB = 1 << 20


def dial(origin: str, path: str, **options: Any) -> AbstractContextManager[ClientConnection]:
    socket: AbstractContextManager[ClientConnection] = websockets.sync.client.connect(
        f"ws://{origin}{path}", open_timeout=SECONDS, close_timeout=SECONDS, max_size=None, **options
    )
    return socket


def play(script: Script, send: Callable[[Message], None], receive: Callable[[], Message]) -> None:
    try:
        wanted = next(script)
        while True:
            if wanted is None:
                wanted = script.send(receive())
            else:
                send(wanted)
                wanted = next(script)
    except StopIteration:
        return


@talks
@pytest.mark.parametrize("compression", ["deflate", None])
def test_it_talks(
    origin: str, path: str, subprotocol: str | None, script: Callable[[], Script], compression: str | None
) -> None:
    protocols = [websockets.Subprotocol(one) for one in offered(subprotocol)] or None
    with dial(origin, path, subprotocols=protocols, compression=compression) as socket:
        assert socket.subprotocol == subprotocol
        names = [extension.name for extension in socket.protocol.extensions]
        assert names == (["permessage-deflate"] if compression else [])
        play(script(), socket.send, lambda: socket.recv(timeout=SECONDS))
    assert socket.close_code == 1000


@pytest.mark.parametrize("compression", ["deflate", None])
def test_fragments_are_one_message(origin: str, compression: str | None) -> None:
    with dial(origin, "/echo", compression=compression) as socket:
        socket.send(["ein ", "", "großes ", "Stück " * 2000])
        assert socket.recv(timeout=SECONDS) == "ein großes " + "Stück " * 2000
        socket.send([b"\x00", b"\xff" * 70_000])
        assert socket.recv(timeout=SECONDS) == b"\x00" + b"\xff" * 70_000


def test_a_message_of_a_mebibyte_is_taken_and_one_byte_more_is_not(origin: str) -> None:
    with dial(origin, "/echo", compression=None) as socket:
        socket.send("x" * MIB)
        assert socket.recv(timeout=SECONDS) == "x" * MIB
        socket.send("x" * (MIB + 1))
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert str(MIB) in closed.value.rcvd.reason


def test_a_ping_is_answered(origin: str) -> None:
    with dial(origin, "/echo") as socket:
        assert socket.ping("are you there?").wait(SECONDS)


def test_a_code_of_the_client_is_answered_with_the_same(origin: str) -> None:
    with dial(origin, "/echo") as socket:
        socket.close(3001, "that is all")
    assert socket.protocol.close_rcvd is not None
    assert socket.protocol.close_rcvd.code == 3001


def test_the_code_and_reason_of_the_server_arrive(origin: str) -> None:
    with dial(origin, "/enough") as socket:
        socket.send("genug ☕")
        with pytest.raises((ConnectionClosedOK, ConnectionClosedError)) as closed:
            socket.recv(timeout=SECONDS)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3333, "genug ☕")
