"""A user's first minute: an empty environment, no compiler, pip, the demo, a page, a word in a room."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websockets.sync.client

from .build import ROOT

PATIENCE = 15  # seconds for an answer, and for the end: the server's own grace is 10


def first_minute(python: str, wheel: Path) -> None:
    """Install the wheel for this Python, and use it.

    Raises:
        RuntimeError, AssertionError, OSError, subprocess.CalledProcessError: it did not go as it should.

    """
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        subprocess.run([python, "-m", "venv", str(home / "venv")], check=True)
        tools = home / "venv" / "bin"
        env = {
            "PATH": str(tools),
            "HOME": name,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUNBUFFERED": "1",
        }
        for tool in ("cc", "gcc", "cargo", "rustc"):
            assert shutil.which(tool, path=env["PATH"]) is None, tool
        install = [str(tools / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        lock = ROOT / "requirements" / "run.txt"
        # HOME is empty so that nothing of this user helps; where packages come from is the machine's affair.
        for what in (["--require-hashes", "-r", str(lock)], ["--no-index", "--no-deps", str(wheel)]):
            subprocess.run([*install, *what], cwd=home, env=env, check=True)
        with demo(tools, home, env) as origin:
            page(origin)
            talk(origin)


@contextmanager
def demo(tools: Path, home: Path, env: dict[str, str]) -> Iterator[str]:
    """`127.0.0.1:PORT` of `rtcore demo`, which must end with 0 and no traceback when it is told to."""
    log = home / "demo.log"
    command = [str(tools / "rtcore"), "demo", "--port", "0"]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, cwd=home, env=env, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            origin = None
            while origin is None:
                line = process.stdout.readline().decode()
                if not line:
                    raise RuntimeError(f"rtcore demo ended with {process.wait()}: {log.read_text()}")
                origin = re.search(r"http://(127\.0\.0\.1:\d+)", line)
            yield origin[1]
            process.terminate()
            status = process.wait(PATIENCE)
        finally:
            process.kill()  # does nothing to one that has ended
    said = log.read_text()
    if status or "Traceback" in said:
        raise RuntimeError(f"rtcore demo ended with {status}: {said}")


def page(origin: str) -> None:
    """The page is there, and what it loads."""
    with urllib.request.urlopen(f"http://{origin}/", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    scripts = re.findall(r'<script[^>]*src="([^"]+)"', text)
    assert scripts, text[:300]
    for script in scripts:
        with urllib.request.urlopen(f"http://{origin}/{script.lstrip('/')}", timeout=PATIENCE) as answer:
            assert answer.read()


def talk(origin: str) -> None:
    """Hello, welcome, join, publish, and the event that comes of it."""
    with websockets.sync.client.connect(f"ws://{origin}/rt/ws", open_timeout=PATIENCE) as socket:
        heard: list[dict[str, Any]] = []

        def wait(**wanted: object) -> dict[str, Any]:
            while True:
                for message in heard:
                    if all(message.get(key) == value for key, value in wanted.items()):
                        return message
                frame = json.loads(socket.recv(timeout=PATIENCE))
                heard.extend(frame if isinstance(frame, list) else [frame])

        def say(**message: object) -> None:
            socket.send(json.dumps(message))

        say(type="hello", v=1, client="wheel/1")
        session = wait(type="welcome")["session"]
        say(type="join", id=1, room="chat:wheel", data={"name": "wheel"})
        assert "error" not in wait(type="ack", id=1)
        say(type="publish", id=2, room="chat:wheel", event="say", data="hello")
        seq = wait(type="ack", id=2)["data"]["seq"]
        event = wait(type="event", seq=seq)
        assert (event["data"], event["from"]["session"]) == ("hello", session)
