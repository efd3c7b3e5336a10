"""What a small event costs a client: microseconds of CPU, beside `websockets` on asyncio and uvloop.

    .venv/bin/python -m bench.client [--python PATH] [--events 200000]

The same events are said, as fast as they are read, to each client in turn: each is a process of its own,
which reads all of them, and says how much of a CPU it used from the first event to the last. `--python`
names an interpreter that has `websockets` and `uvloop` (`.venv-peers/bin/python`).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import socket
import statistics
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

OURS = """
import sys, time, trio, rtcore
async def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    async with rtcore.connect(f"http://127.0.0.1:{port}", transport="websocket", compress=False) as client:
        events = aiter(await client.join("tea"))
        first = await anext(events)
        began, seen = time.process_time(), 1
        async for event in events:
            seen += event.data["n"] >= 0
            if seen == count:
                break
        print((time.process_time() - began) * 1e6 / count, flush=True)
        import os; os._exit(0)
trio.run(main)
"""
WEBSOCKETS = """
import asyncio, json, sys, time
import websockets
async def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    async with websockets.connect(f"ws://127.0.0.1:{port}/rt/ws", compression=None, max_queue=1024) as ws:
        await ws.send('{"type":"hello"}')
        await ws.recv()
        await ws.send('{"type":"join","id":1,"room":"tea"}')
        await ws.recv()
        await ws.recv()
        began, seen = time.process_time(), 1
        async for text in ws:
            seen += json.loads(text)["data"]["n"] >= 0
            if seen == count:
                break
        print((time.process_time() - began) * 1e6 / count, flush=True)
        import os; os._exit(0)
try:
    import uvloop
    uvloop.run(main())
except ImportError:
    asyncio.run(main())
"""


def _frame(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    return (bytes([0x81, size]) if size < 126 else bytes([0x81, 126, size >> 8, size & 255])) + data


def _events(count: int) -> list[bytes]:
    chunks, chunk = [], bytearray()
    for n in range(1, count + 1):
        event = {
            "type": "event",
            "room": "tea",
            "event": "say",
            "data": {"n": n, "text": "the quick brown fox"},
            "seq": n,
            "from": {"session": "q7lxkzj2qf3a5bkd", "user": "ann"},
            "time": 1_790_000_000_000 + n,
        }
        chunk += _frame(json.dumps(event, separators=(",", ":")))
        if len(chunk) > 48_000 or n == count:
            chunks.append(bytes(chunk))
            chunk.clear()
    return chunks


def _read(peer: socket.socket) -> str:
    head = peer.recv(2, socket.MSG_WAITALL)
    size = head[1] & 127
    if size == 126:
        size = int.from_bytes(peer.recv(2, socket.MSG_WAITALL))
    mask = peer.recv(4, socket.MSG_WAITALL)
    data = peer.recv(size, socket.MSG_WAITALL)
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)).decode()


def _serve(listener: socket.socket, chunks: list[bytes]) -> None:
    """One client: handshake, welcome, the ack of its join, all events."""
    peer, _ = listener.accept()
    with peer:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += peer.recv(4096)
        lines = head.decode().split("\r\n")
        key = next(line[19:] for line in lines if line.lower().startswith("sec-websocket-key: "))
        accept = base64.b64encode(hashlib.sha1(f"{key}{GUID}".encode()).digest()).decode()
        protocol = "Sec-WebSocket-Protocol: rtcore.v1.json\r\n" if "rtcore.v1.json" in head.decode() else ""
        answer = f"HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{protocol}"
        peer.sendall(f"{answer}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        _read(peer)
        welcome = {
            "type": "welcome",
            "v": 1,
            "session": "s",
            "key": "k",
            "user": None,
            "epoch": "k1",
            "seq": 0,
        }
        more = {"head": 0, "taken": 0, "resumed": False, "rooms": [], "limits": {}, "life": "l1"}
        peer.sendall(_frame(json.dumps(welcome | more)))
        ack = {"type": "ack", "id": json.loads(_read(peer))["id"], "data": {"seq": 0, "began": 0}}
        peer.sendall(_frame(json.dumps(ack)))
        try:
            for chunk in chunks:
                peer.sendall(chunk)
            peer.recv(1)
        except OSError:
            pass


def measure(python: str, program: str, chunks: list[bytes], count: int) -> float:
    """One run: microseconds of CPU an event."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # A client that cannot start ends this, and not what waits for it.
        thread = threading.Thread(target=_serve, args=(listener, chunks), daemon=True)
        thread.start()
        arguments = [python, "-c", program, str(listener.getsockname()[1]), str(count)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=ROOT)
        thread.join()
    return float(done.stdout)


def main() -> None:
    """Five pairs, and their medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=str(ROOT / ".venv-peers/bin/python"))
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    if not Path(given.python).exists():
        parser.error(f"no Python at {given.python}: `make peers` makes one, --python names another")
    chunks = _events(given.events)
    rows = [
        (
            measure(sys.executable, OURS, chunks, given.events),
            measure(given.python, WEBSOCKETS, chunks, given.events),
        )
        for _ in range(given.runs)
    ]
    ours, theirs = (statistics.median(column) for column in zip(*rows, strict=True))
    ratios = sorted(b / a for a, b in rows)
    print(f"rtcore.connect   {ours:6.2f} us of CPU an event")
    print(f"websockets       {theirs:6.2f} us of CPU an event")
    print(f"times as many    {statistics.median(ratios):6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
