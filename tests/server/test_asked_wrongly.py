"""What a terminal gets that asks wrongly, or asks who cannot answer: one line on stderr and a status."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from click.testing import CliRunner, Result

import rtcore
from rtcore.cli import main

from .conftest import serving

COMMANDS = {
    "connect": ("connect", "URL", "--room", "tea"),
    "publish": ("publish", "URL", "tea", "say", "1"),
    "doctor": ("doctor", "URL"),
    "top": ("top", "URL", "--once"),
    "trace": ("trace", "URL"),
}
NO_ADDRESS = (
    "nowhere",
    "ftp://x",
    "http://",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:abc",
    "http://[::1",
)


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea", relay=True, history=10)

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User | None:
        return None if hello.token == "wrong" else rtcore.ANONYMOUS

    return app


def run(words: tuple[str, ...], url: str) -> Result:
    return CliRunner().invoke(main, [url if word == "URL" else word for word in words], input="")


async def command(words: tuple[str, ...], url: str) -> Result:
    """The same beside a server of this process."""
    return await trio.to_thread.run_sync(run, words, url, abandon_on_cancel=True)


def failed(result: Result, status: int, says: str) -> None:
    """It said why in one line, on stderr, and nothing else."""
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert not result.stdout
    [line] = result.stderr.splitlines()
    assert says in line, line


@pytest.mark.parametrize("address", NO_ADDRESS)
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_no_address_is_wrong_whoever_asks_again(name: str, address: str) -> None:
    failed(run(COMMANDS[name], address), 2, address if address != "http://" else "'http://'")


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[str]:
    """A server of something else: the same JSON to each request."""

    async def answer(stream: trio.SocketStream) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        async with stream:
            await stream.receive_some(65_536)
            await stream.send_all(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'"x"', b'{"a":1}', b"[" * 60_000])
@pytest.mark.parametrize("name", ["connect", "publish", "top", "trace"])
async def test_a_server_of_something_else_is_named(name: str, body: bytes) -> None:
    async with answering(body) as url:
        failed(await command(COMMANDS[name], url), 1, "is no rtcore server")


async def test_what_the_server_refuses_or_the_program_cannot_say_is_told() -> None:
    async with serving(application(), limits={"max_message": 2048}) as server:
        url = f"http://127.0.0.1:{server.port}"
        for words, status, says in (
            (("connect", "URL", "--token", "wrong"), 1, "does not accept the token"),
            (("publish", "URL", "tea", "say", "--token", "wrong"), 1, "does not accept the token"),
            (("publish", "URL", "tea", "say", "x" * 3000), 1, "the server takes 2048"),
            (("publish", "URL", "tea", "say", '{"a":'), 2, r'is said as "{\"a\":"'),
            (("publish", "URL", "tea", "say", "[1,}"), 2, "begins as JSON does"),
            (("publish", "URL", "coffee", "say", "1"), 1, "there is no room"),
            (("publish", "URL", "", "say", "1"), 1, "a name has 1 to 255"),
            (("connect", "URL", "--transport", "pigeon"), 2, "there is no transport 'pigeon'"),
            (("connect", "URL", "--room", "coffee"), 1, "there is no room"),
            (COMMANDS["top"], 1, "no API key is configured"),
            (COMMANDS["trace"], 1, "no API key is configured"),
        ):
            failed(await command(words, url), status, says)
        told = await command(("publish", "URL", "tea", "say", "a [text]"), url)
        assert (told.exit_code, told.stdout) == (0, "1\n")


@pytest.mark.parametrize("name", ["connect", "publish", "doctor"])
@pytest.mark.parametrize(("output", "says"), [("full", "No space left"), ("gone", "")])
async def test_an_output_that_takes_nothing_ends_it_without_a_traceback(
    name: str, output: str, says: str
) -> None:
    """A disk that is full is told; a pipe that nobody reads is no news."""
    async with serving(application()) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert (await command(COMMANDS["publish"], url)).exit_code == 0
        words = [url if word == "URL" else word for word in COMMANDS[name]]
        if name == "connect":
            words += ["--last", "5"]

        # What is buffered is tried once more when Python ends.
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

        def ends() -> subprocess.CompletedProcess[bytes]:
            # A pipe of which the other end is closed before anything is written.
            program = (
                "import os, sys\n"
                "if sys.argv[1] == 'full': out = os.open('/dev/full', os.O_WRONLY)\n"
                "else:\n    gone, out = os.pipe(); os.close(gone)\n"
                "os.dup2(out, 1)\n"
                "os.execv(sys.executable, [sys.executable, '-m', 'rtcore', *sys.argv[2:]])\n"
            )
            return subprocess.run(
                [sys.executable, "-c", program, output, *words],
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False, env=buffered,
            )  # fmt: skip

        done = await trio.to_thread.run_sync(ends)
    told = [line for line in done.stderr.decode().splitlines() if not line.startswith("[")]
    assert done.returncode == 1, told
    assert [says in line for line in told] == [True] * bool(says), told
