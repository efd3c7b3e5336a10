"""y-websocket's own client edits texts of collections; and what a hostile one says harms nobody else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import websockets.trio.client
from websockets.exceptions import ConnectionClosed

from rtcore._data import yjs

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
LONG = b"\x01\x01\x07\x00\x04\x01\x01t" + yjs._number(150_000) + b"x" * 150_000 + b"\x00"
"""An update of a text that is longer than the collection lets one be."""


def test_y_websocket(origin: str, needs: Callable[..., str]) -> None:
    """Editing at once, offline, presence, rich content, refusals, and who may only read."""
    node = needs("node")
    if not (ROOT / "node_modules/y-websocket").exists():
        pytest.skip("npm ci was not run")
    done = subprocess.run(
        [node, str(Path(__file__).with_name("yjs.mjs")), origin],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["edited", "merged", "synced", "seen", "rich", "refused", "read"]


async def test_what_is_no_message_closes_its_own_socket_and_harms_no_other(origin: str) -> None:
    """Garbage, updates that another reader would fail on, presence that is too much: a code each."""
    url = f"ws://{origin}/yjs/texts/hostile"
    long = yjs.awareness([yjs.Presence(7, 1, '"' + "x" * 20_000 + '"')])
    many = b"\x01" + yjs._bytes(yjs._number(2000) + b"\x01\x01\x02{}" * 2000)
    hostile: list[tuple[int, bytes | str]] = [
        (1007, "text"),
        (1007, b""),
        (1007, b"\x00\x00\xff"),
        (1007, yjs.sync(yjs.STEP_1, b"garbage")),
        (1007, yjs.sync(yjs.UPDATE, b"garbage")),
        (1007, yjs.sync(yjs.UPDATE, b"\x01\xff\xff\xff\xff\x0f\x07\x00\x00")),
        (1007, b"\x01\x03\x01\x01\xff"),
        (1007, yjs.awareness([yjs.Presence(7, 1, "no JSON")])),
        (1007, long),
        (1007, many),
        (1009, yjs.sync(yjs.UPDATE, LONG)),
    ]
    with trio.fail_after(SECONDS):
        async with websockets.trio.client.connect(url) as good:
            assert (await good.recv())[:2] == bytes((yjs.SYNC, yjs.STEP_1))
            for code, message in hostile:
                async with websockets.trio.client.connect(url) as bad:
                    await bad.recv()
                    await bad.send(message)
                    assert (await bad.recv())[0] == yjs.AUTH
                    with pytest.raises(ConnectionClosed):
                        await bad.recv()
                    assert bad.close_code == code, message[:20]
            letter = b"\x01\x01\x01\x00\x04\x01\x01t\x01x\x00"
            await good.send(yjs.sync(yjs.UPDATE, letter))
            assert await good.recv() == yjs.sync(yjs.UPDATE, letter)
            await good.send(yjs.sync(yjs.STEP_1, b"\x00"))
            assert await good.recv() == yjs.sync(yjs.STEP_2, letter)
