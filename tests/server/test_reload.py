"""`rtcore serve --reload`: the server begins again when a file changes, and waits where it cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

import rtcore.blocking
from rtcore.cli import main
from rtcore.cli.reload import without
from tests.patience import PATIENCE

pytest.importorskip("watchfiles")

MOMENT = 1_700_000_000
APP = """
import rtcore
app = rtcore.App()
app.rooms("tea", grants=["publish"])

async def site(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"VERSION"})
"""


def written(folder: Path, version: str, app: str = APP) -> None:
    """As an editor does it: the file is whole at each moment.

    All of them are of one moment, and two of one length: so are two changes within a second, which Python's
    cache of modules does not tell apart.
    """
    made = folder / "new"
    made.write_text(app.replace("VERSION", version))
    os.utime(made, (MOMENT, MOMENT))
    made.replace(folder / "mine.py")


@contextmanager
def reloading(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """The command in this folder, its port, and the file that has what it says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "rtcore", "serve", "mine:app", "--mount", "mine:site", "--reload"]
    said = folder / "said.log"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with (
        said.open("wb") as log,
        subprocess.Popen(
            [*command, "--port", str(port), *words], cwd=folder, env=environment, stderr=log
        ) as program,
    ):
        try:
            yield program, port, said
        finally:
            program.terminate()


def until_it_says(port: int, version: str) -> None:
    """Ask until this is the answer."""
    deadline = time.monotonic() + PATIENCE + 30
    answer: object = None
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
                answer = response.read().decode()
        except OSError as error:
            answer = error
        if answer == version:
            return
        time.sleep(0.05)
    raise AssertionError(f"the answer is {answer!r}, and not {version!r}")


def until_it_is_logged(said: Path, text: str) -> None:
    deadline = time.monotonic() + PATIENCE + 30
    while text not in said.read_text():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)


def test_a_change_is_served_and_what_is_no_python_waits_for_the_next(tmp_path: Path) -> None:
    written(tmp_path, "one")
    with reloading(tmp_path) as (program, port, said):
        until_it_says(port, "one")
        written(tmp_path, "two")
        until_it_says(port, "two")
        (tmp_path / "mine.py").write_text("import rtcore\napp = = 5\n")
        until_it_is_logged(said, "waiting for a change")
        assert "SyntaxError" in said.read_text() or "invalid syntax" in said.read_text()
        written(tmp_path, "three")
        until_it_says(port, "three")
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE + 30) == 0
        with socket.socket() as again:  # the server's program is gone, too
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))


def test_with_a_folder_for_it_a_session_lives_through_a_change(tmp_path: Path) -> None:
    durable = APP.replace('rooms("tea", ', 'rooms("tea", durable=True, ')
    written(tmp_path, "one", durable)
    with (
        reloading(tmp_path, "--data", "kept") as (program, port, _),
        rtcore.blocking.connect(f"http://127.0.0.1:{port}/rt") as client,
    ):
        room = client.join("tea")
        session = client.session
        assert session
        until_it_says(port, "one")
        written(tmp_path, "two", durable)
        until_it_says(port, "two")
        room.publish("said", "after it", timeout=PATIENCE + 30)
        assert next(iter(room)).data == "after it"
        assert client.session == session
        client.close()
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE + 30) == 0


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["rtcore", "serve", "a:b", "--reload"], ["a:b"]),
        (
            ["x", "serve", "--reload-dir", "src", "a:b", "--reload-dir=y", "--reload", "--port", "1"],
            ["a:b", "--port", "1"],
        ),
    ],
)
def test_the_program_gets_the_words_but_for_those_of_reloading(words: list[str], left: list[str]) -> None:
    assert without(words) == left


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--reload-dir", "src"], "give that, too"),
        (["--reload", "--reload-dir", "nowhere"], "'nowhere' is none"),
    ],
)
def test_what_cannot_be_watched_is_refused(words: list[str], told: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ("serve", "mine:app", *words))
    assert ended.exit_code == 2
    assert told in ended.output
