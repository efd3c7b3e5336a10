"""What collections cost, each figure once: `python -m bench.shared [SCENE …] [--documents N]`.

    sync       first sync of documents of 200 bytes to the Python client, without and with a file
    catchup    a client that was away for 1,000 changes
    fanout     one change to 1,000 listeners, beside an event in a room with as many
    pushed     changes a second that clients push, in memory and on disk
    client     reading a document, and applying what is heard, at the Python client
    orset      an OR-set of 10,000 elements: an add, and the merge of a delta

A server in a process of its own, loopback, this machine alone: ratios travel, figures do not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import trio

import rtcore
from rtcore._ground.replica import Replica

from .servers import ROOT, running

BATCH = 2_000
LISTENERS = 1_000
PUSHERS, CHANGES = 4, 100


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The application, in a process of its own; where it is."""
    folder = Path(tempfile.mkdtemp(prefix="bench-shared-", dir=ROOT / "target"))
    command = [sys.executable, "-m", "rtcore", "serve", "bench.app_shared:app", "--port", "0"]
    try:
        with running([*command, "--data", str(folder), "--limit", "messages_per_second=0"]) as (_, port):
            yield f"http://127.0.0.1:{port}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def client(url: str, **settings: Any) -> AsyncIterator[rtcore.Client]:
    """A client that is connected."""
    async with rtcore.connect(url, wait=True, connect_timeout=60, **settings) as made:
        yield made


async def fill(url: str, name: str, start: int, end: int) -> None:
    """Have the server make documents."""
    async with client(url) as maker:
        for at in range(start, end, BATCH):
            wanted = {"name": name, "from": at, "to": min(end, at + BATCH)}
            await maker.emit("fill", wanted, timeout=60)


async def sync(url: str, documents: int) -> dict[str, Any]:
    """Seconds to the first whole view, and what the process took more (MiB)."""
    await fill(url, "plain:sync", 0, documents)
    found: dict[str, Any] = {"documents": documents}
    folder = Path(tempfile.mkdtemp(prefix="bench-sync-", dir=ROOT / "target"))
    try:
        for kind, settings in (("memory", {}), ("file", {"outbox": rtcore.Outbox(folder / "outbox.db")})):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            async with client(url, **settings) as reader:
                began = time.perf_counter()
                notes = await reader.collection("plain:sync")
                await notes.ready()
                found[f"s_{kind}"] = round(time.perf_counter() - began, 2)
                assert len(notes) == documents
            more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            found[f"mib_{kind}"] = round(more / 1024)
        async with client(url, outbox=rtcore.Outbox(folder / "outbox.db")) as reader:
            began = time.perf_counter()
            notes = await reader.collection("plain:sync")
            assert len(notes) == documents
            found["s_opened_again"] = round(time.perf_counter() - began, 2)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


async def catchup(url: str, documents: int) -> dict[str, Any]:
    """Milliseconds until a client that missed 1,000 changes is whole again, from its join on."""
    await fill(url, "plain:behind", 0, documents)
    folder = Path(tempfile.mkdtemp(prefix="bench-sync-", dir=ROOT / "target"))
    spans = []
    try:
        for _ in range(5):
            async with client(url, outbox=rtcore.Outbox(folder / "outbox.db")) as reader:
                notes = await reader.collection("plain:behind")
                began = time.perf_counter()
                await notes.ready()
                spans.append((time.perf_counter() - began) * 1000)
            await fill(url, "plain:behind", 0, 1_000)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"documents": documents, "ms": round(statistics.median(spans[1:]))}


async def fanout(url: str, _: int) -> dict[str, Any]:
    """Milliseconds from a change, or an event, to the last of its listeners; the median of 20."""
    heard = trio.Event()
    missing = 0
    spans: dict[str, list[float]] = {"change": [], "event": []}

    async def listen(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        nonlocal missing
        stream = await trio.open_tcp_stream(*_address(url))
        async with stream, trio.open_nursery() as own:
            socket = await _raw(own, stream)
            for at, room in enumerate(("$sync/plain:all", "tea"), 1):
                await socket.say({"type": "join", "id": at, "room": room})
                await socket.ack(at)
            task_status.started()
            while True:
                for said in await socket.read():
                    if said["type"] == "event":
                        missing -= 1
                        if missing == 0:
                            heard.set()

    async with client(url) as speaker, trio.open_nursery() as nursery:
        notes = await speaker.collection("plain:all")
        tea = await speaker.join("tea")
        for _n in range(LISTENERS):
            await nursery.start(listen)
        for n in range(20):
            for kind, each in spans.items():
                missing, heard = LISTENERS, trio.Event()
                start = time.perf_counter()
                if kind == "change":
                    await notes.put("n1", {"title": "x" * 170, "n": n})
                else:
                    await tea.publish("say", {"title": "x" * 170, "n": n})
                with trio.fail_after(30):
                    await heard.wait()
                each.append((time.perf_counter() - start) * 1000)
        nursery.cancel_scope.cancel()
    medians = {f"ms_{kind}": round(statistics.median(each), 2) for kind, each in spans.items()}
    return {"listeners": LISTENERS, **medians}


async def pushed(url: str, _: int) -> dict[str, Any]:
    """Changes a second, pushed by four connections, each with four pushes of 100 in flight."""
    found: dict[str, Any] = {}
    for kind in ("plain", "kept"):
        done = 0

        async def push(at: int, kind: str = kind) -> None:
            nonlocal done
            stream = await trio.open_tcp_stream(*_address(url))
            async with stream, trio.open_nursery() as own:
                socket = await _raw(own, stream)
                name, n, request, flying = f"{kind}:push{at}", 0, 1, set[int]()
                sync = {"client": f"{at:032}", "incarnation": 1, "nonce": "n", "seen": 0}
                await socket.say({"type": "join", "id": 1, "room": f"$sync/{name}", "sync": sync})
                await socket.ack(1)
                seen = 0
                while True:
                    while len(flying) < 4:
                        request += 1
                        changes = [
                            {
                                "n": n + i,
                                "op": "put",
                                "key": f"n{(n + i) % 5000}",
                                "base": None,
                                "value": {"t": "x" * 170},
                            }
                            for i in range(1, CHANGES + 1)
                        ]
                        n += CHANGES
                        flying.add(request)
                        said = {
                            "type": "push",
                            "id": request,
                            "collection": name,
                            "changes": changes,
                            "seen": seen,
                        }
                        await socket.say(said)
                    for said in await socket.read():
                        if said["type"] == "ack" and said["id"] in flying:
                            flying.discard(said["id"])
                            answered: Any = said["data"]
                            results = answered["results"]
                            assert len(results) == CHANGES, said
                            done += len(results)
                            seen = max(seen, results[-1]["n"])

        with trio.move_on_after(6):
            async with trio.open_nursery() as nursery:
                for at in range(PUSHERS):
                    nursery.start_soon(push, at)
                await trio.sleep(1)
                before, start = done, time.perf_counter()
                await trio.sleep(4)
                found[f"per_second_{kind}"] = round((done - before) / (time.perf_counter() - start))
                nursery.cancel_scope.cancel()
    return found


async def at_client(url: str, documents: int) -> dict[str, Any]:
    """Microseconds of a read, and changes a second that are applied."""
    count = min(documents, 20_000)
    await fill(url, "plain:read", 0, count)
    async with client(url) as reader:
        notes = await reader.collection("plain:read")
        await notes.ready()
        keys = list(notes)
        for key in keys:
            notes[key]
        began = time.perf_counter()
        for key in keys:
            notes[key]
        read = (time.perf_counter() - began) * 1e6 / len(keys)
    replica = Replica()
    replica.joined("e", {"horizon": "e.0"})
    replica.next_pull()
    replica.page({"docs": [], "next": "e.0", "complete": True, "reset": False, "begun": None, "n": 0}, 0)
    changes = [
        {
            "key": f"n{n % 1000}",
            "op": "put",
            "value": {"title": "x" * 170, "n": n},
            "prev": None,
            "writer": "w2",
            "n": n,
        }
        for n in range(50_000)
    ]
    began = time.perf_counter()
    for at in range(0, len(changes), 100):
        for seq, change in enumerate(changes[at : at + 100], at + 1):
            replica.hear(seq, change)
        replica.keep(False, False)
    rate = len(changes) / (time.perf_counter() - began)
    return {"us_read": round(read, 2), "applied_per_second": round(rate)}


async def orset(_: str, __: int) -> dict[str, Any]:
    """Microseconds of an add to a set of 10,000, and of the merge of its delta."""
    mine: rtcore.ORSet[str] = rtcore.ORSet("a")
    theirs: rtcore.ORSet[str] = rtcore.ORSet("b")
    for n in range(9_000):
        mine.add(f"element {n}")
    theirs.merge(mine.state)
    began = time.perf_counter()
    deltas = [mine.add(f"more {n}") for n in range(1_000)]
    add = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    for delta in deltas:
        theirs.merge(delta)
    return {"us_add": round(add, 1), "us_merge": round((time.perf_counter() - began) * 1000, 1)}


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


class _Raw:
    """A WebSocket that says and reads JSON, with as little as that takes."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream, self.left = stream, bytearray()

    async def say(self, message: dict[str, Any]) -> None:
        text = json.dumps(message).encode()
        size = len(text)
        head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
        if size > 65_535:
            head = b"\x81\xff" + size.to_bytes(8, "big")
        await self.stream.send_all(head + bytes(4) + text)

    async def read(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while not found:
            data = await self.stream.receive_some(1 << 20)
            if not data:
                raise trio.ClosedResourceError
            self.left += data
            while (frame := self._frame()) is not None:
                opcode, text = frame
                if opcode == 1:
                    said = json.loads(text)
                    found += said if isinstance(said, list) else [said]
        return found

    def _frame(self) -> tuple[int, bytes] | None:
        left = self.left
        if len(left) < 2:
            return None
        size, at = left[1] & 127, 2
        if size > 125:
            more = 2 if size == 126 else 8
            if len(left) < 2 + more:
                return None
            size, at = int.from_bytes(left[2 : 2 + more], "big"), 2 + more
        if len(left) < at + size:
            return None
        opcode, text = left[0] & 15, bytes(left[at : at + size])
        del left[: at + size]
        return opcode, text

    async def ack(self, wanted: int) -> None:
        while not any(said.get("id") == wanted for said in await self.read()):
            pass


async def _raw(_: trio.Nursery, stream: trio.SocketStream) -> _Raw:
    head = (
        "GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await stream.send_all(head.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += await stream.receive_some(4096)
    made = _Raw(stream)
    made.left += answer.partition(b"\r\n\r\n")[2]
    await made.say({"type": "hello"})
    await made.read()
    return made


SCENES: dict[str, Callable[[str, int], Awaitable[dict[str, Any]]]] = {
    "sync": sync,
    "catchup": catchup,
    "fanout": fanout,
    "pushed": pushed,
    "client": at_client,
    "orset": orset,
}


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}; none: all")
    parser.add_argument("--documents", type=int, default=100_000)
    given = parser.parse_args()
    with server() as url:
        for name in given.scenes or SCENES:
            print(json.dumps({"scene": name, **trio.run(SCENES[name], url, given.documents)}), flush=True)


if __name__ == "__main__":
    main()
