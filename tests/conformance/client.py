"""Autobahn's fuzzing server against the WebSocket of the Python client.

The client's handshake and codec echo what the server says, as Autobahn asks. The codec writes one kind of
frame for the whole of a connection, so a second one, of the same agreement, writes what is binary.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import trio

from rtcore._ground.peer import BINARY, BROKEN, CLOSE, EVENTS, PING, TEXT, Peer
from rtcore.client.links.websocket import CHUNK, DEFLATE

from . import autobahn
from .play import Bar, Result, read

AGENT = "client"
MOST = 64 << 20
STARTS = 30.0
"""Seconds for Autobahn to listen."""
CASE_TAKES = 480.0


async def echo(stream: trio.abc.Stream, host: str, path: str, *, compress: bool) -> bytes:
    """Say back whatever comes until it is over; the last text, for what Autobahn tells by one."""
    key = base64.b64encode(os.urandom(16)).decode("ascii")
    await stream.send_all(Peer.request(host, path, key, [], DEFLATE if compress else None))
    answer = b""
    while (found := Peer.response(answer, key, [], compress)) is None:
        data = bytes(await stream.receive_some(CHUNK))
        if not data:
            raise OSError("the connection ended during the handshake")
        answer += data
    status, begins, _, deflate = found
    assert status == 101, answer
    texts, packed = Peer(0, deflate, MOST, 0), Peer(1, deflate, MOST, 0)
    data, last, ended = answer[begins:], b"", False
    while not ended:
        out = b""
        for kind, payload, number in texts.take(data) if data else ():
            mask = os.urandom(4)
            if kind in (TEXT, EVENTS):
                last = payload
                out += texts.write(payload, mask, True)
            elif kind == BINARY:
                out += packed.write(payload, mask, True)
            elif kind == PING:
                out += texts.pong(payload, mask)
            elif kind in (CLOSE, BROKEN):
                out += texts.close(number, "", mask)
                ended = True
                break
        try:
            if out:
                await stream.send_all(out)
            data = b"" if ended else bytes(await stream.receive_some(CHUNK))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return last
        ended = ended or not data
    with trio.move_on_after(2):
        while await _more(stream):  # the server closes first, RFC 6455 §7.1.1
            pass
    return last


async def _more(stream: trio.abc.Stream) -> bytes:
    try:
        return bytes(await stream.receive_some(CHUNK))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return b""


async def ask(port: int, path: str, *, compress: bool = True) -> bytes:
    """One connection."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    try:
        return await echo(stream, f"127.0.0.1:{port}", path, compress=compress)
    finally:
        await trio.aclose_forcefully(stream)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def prepare(folder: Path, spec: Mapping[str, object]) -> Path:
    """Make the folder, and the file that tells Autobahn what to play."""
    folder.mkdir(parents=True)
    file = folder / "spec.json"
    file.write_text(json.dumps(spec))
    return file


async def play(python: str, folder: Path, *, quick: bool) -> tuple[list[Result], int]:
    """All results, and how many cases there were."""
    port = free_port()
    spec = {
        "url": f"ws://127.0.0.1:{port}",
        "outdir": str(folder),
        "cases": ["*"],
        "exclude-cases": ["9.*", *(["12.*", "13.*"] if quick else [])],
        "exclude-agent-cases": {},
    }
    file = prepare(folder, spec)
    command, env = autobahn.wstest(python, "-m", "fuzzingserver", "-w", "0", "-s", str(file))
    with (folder / "wstest.log").open("wb") as log:
        process = await trio.lowlevel.open_process(
            command, env=env, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            count = await _listens(port)
            bar = Bar(count)
            for case in range(1, count + 1):
                bar.step(f"{AGENT} {case}")
                with trio.move_on_after(CASE_TAKES):
                    await ask(port, f"/runCase?case={case}&agent={AGENT}")
            await ask(port, f"/updateReports?agent={AGENT}")
        finally:
            process.kill()  # does nothing to one that has ended
            with trio.CancelScope(shield=True):
                await process.wait()
    return read(AGENT, folder), count


async def _listens(port: int) -> int:
    """How many cases there are, once it listens."""
    with trio.fail_after(STARTS):
        while True:
            try:
                return int(await ask(port, "/getCaseCount", compress=False))
            except OSError:
                await trio.sleep(0.2)


def faults_of(results: list[Result], count: int) -> list[str]:
    """What is not as it must be: each case played, and none failed."""
    good = {"OK", "NON-STRICT", "INFORMATIONAL"}
    found = [
        f"{AGENT} {each.case}: {each.behaviour}, close {each.close}: {each.why}"
        for each in results
        if each.behaviour not in good or each.close not in good
    ]
    if len(results) != count or not count:
        found.append(f"{AGENT}: {len(results)} of {count} cases have a result")
    return found
