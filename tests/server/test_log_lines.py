"""A line of the log says of whom it is: session, room, event and trace are fields of their own, by name."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio

from rtcore.testing import WireClient, connect_tcp
from tests.once import once
from tests.patience import PATIENCE

APP = """
from collections.abc import AsyncIterator
import rtcore

app = rtcore.App()
app.rooms("tea*", relay=True)


@app.on("fail")
def fail(session: rtcore.Session) -> None:
    raise LookupError("of mine")


@app.on("fail later")
async def fail_later(session: rtcore.Session) -> None:
    raise LookupError("of mine")


@app.stream("fail")
async def stream(session: rtcore.Session) -> AsyncIterator[int]:
    yield 1
    raise LookupError("of mine")


@app.authorize("tea:plain")
def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
    raise LookupError("of mine")


@app.authorize("tea:later")
async def enter_later(session: rtcore.Session, join: rtcore.Join) -> bool:
    raise LookupError("of mine")


@app.state("tea:state")
def state(room: rtcore.Room) -> int:
    raise LookupError("of mine")


@app.on_join("tea:hook")
def joined(session: rtcore.Session, room: rtcore.Room) -> None:
    raise LookupError("of mine")


async def own(session: rtcore.Session) -> None:
    raise LookupError("of mine")


@app.on("task")
def task(session: rtcore.Session) -> None:
    session.nursery.start_soon(own, session)
"""
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

Act = Callable[[WireClient], Awaitable[Any]]


async def answered(client: WireClient, kind: str, **fields: Any) -> None:
    await client.answer(await client.begin(kind, **fields))


async def streamed(client: WireClient) -> None:
    stream = await client.begin("open", stream="fail", credit=9)
    await client.until("end", id=stream)


LINES: list[tuple[Act, dict[str, str]]] = [
    (lambda client: answered(client, "emit", event="fail", trace=TRACE), {"event": "fail", "trace": TRACE}),
    (
        lambda client: answered(client, "emit", event="fail later", trace=TRACE),
        {"event": "fail later", "trace": TRACE},
    ),
    (streamed, {"stream": "fail"}),
    (lambda client: answered(client, "join", room="tea:plain"), {"room": "tea:plain"}),
    (lambda client: answered(client, "join", room="tea:later"), {"room": "tea:later"}),
    (lambda client: answered(client, "join", room="tea:state"), {"room": "tea:state"}),
    (lambda client: answered(client, "join", room="tea:hook"), {"room": "tea:hook"}),
    (lambda client: answered(client, "emit", event="task"), {"task": "own"}),
]


async def test_each_line_about_a_session_has_its_fields(tmp_path: Path) -> None:
    (tmp_path / "myapp.py").write_text(APP)
    command = [sys.executable, "-m", "rtcore", "serve", "myapp:app", "--port", "0", "--log-format", "json"]
    process = await trio.lowlevel.open_process(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    said = bytearray()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                assert process.stderr is not None
                async for data in process.stderr:
                    said.extend(data)

            nursery.start_soon(read)
            assert process.stdout is not None
            announced = b""
            while b"\n" not in announced:
                announced += await process.stdout.receive_some()
            port = int(announced.rsplit(b":", 1)[1])
            async with connect_tcp("127.0.0.1", port) as client:
                await client.hello()
                session = client.session
                for act, _ in LINES:
                    await act(client)
                await client.ask("join", room="tea")
            assert (await once(port, "/livez"))[0] == 200
            process.send_signal(signal.SIGTERM)
            await process.wait()
    records = [json.loads(line) for line in said.decode().splitlines()]
    failed = [record for record in records if "of mine" in record.get("traceback", "")]
    assert len(failed) == len(LINES), records
    for _, fields in LINES:
        found = [record for record in failed if fields.items() <= record.items()]
        assert len(found) == 1, (fields, failed)
        assert found[0]["session"] == session
        assert found[0]["level"] == "error"
