"""A program that was told to stop ends, whatever runs: a thread, a shield, a loop, a lifespan that hangs.

Nothing in Python ends a task that will not end, so the process does. The waits here are backstops: a program
that does not end is killed by them, and its test fails.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from rtcore.testing import connect_tcp

APP = """
import sys, time
import rtcore, trio
app = rtcore.App()

@app.on("thread")
async def thread(session):
    print("began", flush=True)
    await trio.to_thread.run_sync(time.sleep, 3600)

@app.on("shield")
async def shield(session):
    print("began", flush=True)
    with trio.CancelScope(shield=True):
        await trio.sleep_forever()

@app.on("swallow")
async def swallow(session):
    print("began", flush=True)
    while True:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            pass

@app.on("finally")
async def at_last(session):
    print("began", flush=True)
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()

@app.on("block")
async def block(session):
    print("began", flush=True)
    time.sleep(3600)

@app.on("exit")
def leave(session):
    sys.exit(3)

@app.on("ok")
def ok(session):
    return "ok"
"""
HANGS = {
    "before its yield": "    print('here', flush=True)\n    await trio.sleep_forever()\n    yield\n",
    "shielded before its yield": (
        "    print('here', flush=True)\n    with trio.CancelScope(shield=True): await trio.sleep_forever()\n"
        "    yield\n"
    ),
    "after its yield": "    yield\n    await trio.sleep_forever()\n",
    "with a nursery, after its yield": (
        "    async with trio.open_nursery() as nursery:\n        yield\n        await trio.sleep_forever()\n"
    ),
}


@contextmanager
def program(folder: Path, source: str, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`rtcore serve` as a program, and its first line."""
    (folder / "stuck.py").write_text(source)
    command = [sys.executable, "-m", "rtcore", "serve", "stuck:app", "--port", "0", *words]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def port_of(line: str) -> int:
    assert line.startswith("rtcore serves"), line
    return int(line.rsplit(":", 1)[1])


async def ended(process: subprocess.Popen[str]) -> int:
    return await trio.to_thread.run_sync(lambda: process.wait(60))


@pytest.mark.parametrize("signals", [1, 2, 3])
@pytest.mark.parametrize("event", ["thread", "shield", "swallow", "finally", "block"])
async def test_a_handler_that_does_not_end_holds_nothing_up(event: str, signals: int, tmp_path: Path) -> None:
    grace = "500ms" if signals == 1 else "3600s"
    with program(tmp_path, APP, "--limit", f"grace_ms={grace}") as (process, line):
        async with connect_tcp("127.0.0.1", port_of(line)) as client:
            await client.hello()
            await client.begin("emit", event=event)
            assert process.stdout is not None
            assert await trio.to_thread.run_sync(process.stdout.readline) == "began\n"
            process.send_signal(signal.SIGTERM)
            if event != "block":  # else nobody is told anything any more
                await client.until("bye")
            further = (signal.SIGINT, signal.SIGTERM)[: signals - 1]
            for number in further:
                process.send_signal(number)
            assert await ended(process) == 0


LATE = """
import os, signal
class Late:
    def __del__(self, kill=os.kill, me=os.getpid(), number=signal.{name}):
        print("late", flush=True)
        kill(me, number)
late = Late()
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
async def test_a_signal_while_the_interpreter_ends_makes_no_failure_of_it(name: str, tmp_path: Path) -> None:
    """Python gives its signals back to the system before it takes its modules down."""
    with program(tmp_path, APP + LATE.format(name=name)) as (process, line):
        assert port_of(line)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert await trio.to_thread.run_sync(process.stdout.readline) == "late\n"
        assert await ended(process) == 0


@pytest.mark.parametrize("hangs", HANGS)
async def test_a_lifespan_that_hangs_holds_nothing_up(hangs: str, tmp_path: Path) -> None:
    source = f"import rtcore, trio\napp = rtcore.App()\n@app.lifespan\nasync def life(app):\n{HANGS[hangs]}"
    with program(tmp_path, source, "--limit", "grace_ms=500ms") as (process, line):
        assert line.startswith("here") == ("before" in hangs)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0


@contextmanager
def as_usual(which: signal.Signals) -> Iterator[None]:
    """What is started meanwhile hears a signal, also where this run ignores it: under `nohup` it does."""
    before = signal.signal(which, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(which, before)


async def test_sighup_tells_clients(tmp_path: Path) -> None:
    with as_usual(signal.SIGHUP), program(tmp_path, APP) as (process, line):
        async with connect_tcp("127.0.0.1", port_of(line)) as client:
            await client.hello()
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGHUP)  # a terminal that goes says so more than once
            assert (await client.until("bye"))["code"] == 4000
        assert await ended(process) == 0


async def test_a_handler_that_exits_ends_nothing(tmp_path: Path) -> None:
    with program(tmp_path, APP) as (_, line):
        async with connect_tcp("127.0.0.1", port_of(line)) as client:
            await client.hello()
            answer = await client.answer(await client.begin("emit", event="exit"))
            assert answer["error"]["code"] == "INTERNAL"
            assert await client.ask("emit", event="ok") == "ok"


@pytest.mark.parametrize("shell", [">&-", ">&- 2>&- <&-", "> /dev/full", "> >(exec true)"])
async def test_it_serves_whoever_hears_what_it_says(shell: str, tmp_path: Path) -> None:
    """A closed standard output, a full disk, a pipe whose reader has gone."""
    (tmp_path / "stuck.py").write_text(APP)
    port = free_port()
    words = [sys.executable, "-m", "rtcore", "serve", "stuck:app", "--port", str(port), "--access-log"]
    command = ["bash", "-c", f'exec "$@" {shell}', "bash", *words]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:  # noqa: ASYNC220
        try:
            with trio.fail_after(60):
                while True:
                    try:
                        async with connect_tcp("127.0.0.1", port) as client:
                            await client.hello()
                            await client.answer(await client.begin("emit", event="exit"))
                            assert await client.ask("emit", event="ok") == "ok"
                            break
                    except OSError:
                        await trio.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert await trio.to_thread.run_sync(lambda: process.wait(60)) == 0
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
