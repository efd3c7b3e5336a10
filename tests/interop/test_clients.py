"""Clients that others wrote talk to rtcore: what they understand is RFC 6455, not our reading of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import trio
import trio_websocket
import websockets.asyncio.client
import websockets.trio.client

from tests.interop.scripts import ECHOES, Message, Script, conversation, echoes, play

SUBPROTOCOL = "rtcore.v1.json"
# Path, subprotocol and script: a raw socket and a session.
TALKS: list[tuple[str, str | None, Callable[[], Script]]] = [
    ("/echo", None, echoes),
    ("/rt/ws", None, lambda: conversation("plain")),
    ("/rt/ws", SUBPROTOCOL, lambda: conversation("subprotocol")),
]
talks = pytest.mark.parametrize(
    ("path", "subprotocol", "script"), TALKS, ids=["echo", "session", "subprotocol"]
)
SECONDS = 20


def offered(subprotocol: str | None) -> list[str]:
    return [subprotocol] if subprotocol else []


@talks
async def test_trio_websocket(
    origin: str, path: str, subprotocol: str | None, script: Callable[[], Script]
) -> None:
    with trio.fail_after(SECONDS):
        url = f"ws://{origin}{path}"
        async with trio_websocket.open_websocket_url(url, subprotocols=offered(subprotocol)) as socket:
            assert socket.subprotocol == subprotocol
            await play(script(), socket.send_message, socket.get_message)
        assert socket.closed is not None
        assert socket.closed.code == 1000


@talks
@pytest.mark.parametrize("compression", ["deflate", None])
def test_websockets_on_asyncio(
    origin: str, path: str, subprotocol: str | None, script: Callable[[], Script], compression: str | None
) -> None:
    async def main() -> None:
        async with asyncio.timeout(SECONDS):
            url = f"ws://{origin}{path}"
            protocols = [websockets.Subprotocol(one) for one in offered(subprotocol)]
            async with websockets.asyncio.client.connect(
                url, subprotocols=protocols or None, compression=compression
            ) as socket:
                assert socket.subprotocol == subprotocol
                extensions = [extension.name for extension in socket.protocol.extensions]
                assert extensions == (["permessage-deflate"] if compression else [])
                await play(script(), socket.send, socket.recv)
            assert socket.close_code == 1000

    asyncio.run(main())


@talks
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_websockets_on_trio(
    origin: str, path: str, subprotocol: str | None, script: Callable[[], Script], compression: str | None
) -> None:
    with trio.fail_after(SECONDS):
        url = f"ws://{origin}{path}"
        protocols = [websockets.Subprotocol(one) for one in offered(subprotocol)]
        async with websockets.trio.client.connect(
            url, subprotocols=protocols or None, compression=compression
        ) as socket:
            assert socket.subprotocol == subprotocol
            extensions = [extension.name for extension in socket.protocol.extensions]
            assert extensions == (["permessage-deflate"] if compression else [])
            await play(script(), socket.send, socket.recv)
        assert socket.close_code == 1000


@talks
@pytest.mark.parametrize("compress", [0, 15])
def test_aiohttp(
    origin: str, path: str, subprotocol: str | None, script: Callable[[], Script], compress: int
) -> None:
    async def main() -> None:
        async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as session:
            url = f"ws://{origin}{path}"
            async with session.ws_connect(url, protocols=offered(subprotocol), compress=compress) as socket:
                assert socket.protocol == subprotocol

                async def send(message: Message) -> None:
                    await (
                        socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message)
                    )

                async def receive() -> Message:
                    message = await socket.receive()
                    assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
                    data: Message = message.data
                    return data

                await play(script(), send, receive)
            assert socket.close_code == 1000

    asyncio.run(main())


@pytest.mark.parametrize("compression", ["true", "false"])
def test_node_ws(origin: str, needs: Callable[..., str], compression: str) -> None:
    """Node's `ws` plays a script of its own: it shares no code with the others, and no language."""
    node = needs("node")
    root = Path(__file__).resolve().parents[2]
    if not (root / "node_modules/ws").exists():
        pytest.skip("npm ci was not run")
    sizes = [len(one) for one in ECHOES if isinstance(one, str)]
    done = subprocess.run(
        [node, str(Path(__file__).with_name("client.mjs")), origin, compression, json.dumps(sizes)],
        cwd=root, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["echo", "session"]
