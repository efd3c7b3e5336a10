"""The proxies of deploy/, each run from its own file, with the names and ports of a test in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from tests.patience import PATIENCE

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
NAMES: Final = ("nginx", "caddy", "haproxy")
BY_HEADER: Final = ("haproxy-tcp-1", "haproxy-tcp-2")
"""HAProxy that passes bytes on and says whose they are: by version 1 and by version 2."""


def command(name: str, folder: Path, port: int, server: int) -> list[str]:
    """How it is started with its file, in which the example's addresses are this test's."""
    backend = f"127.0.0.1:{server}"
    if name == "nginx":
        said = _read("nginx.conf", ("127.0.0.1:8000", backend), ("listen 80", f"listen 127.0.0.1:{port}"))
        places = "".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        around = f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {places} {said} }}"
        (folder / "nginx.conf").write_text(around)
        return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    if name == "caddy":
        said = _read(
            "Caddyfile",
            ("127.0.0.1:8000", backend),
            ("example.org {", f"http://:{port} {{\n\tbind 127.0.0.1"),
        )
        (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{said}")
        return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    listen = ("bind :80", f"bind 127.0.0.1:{port}")
    replaced = [("127.0.0.1:8000", backend), listen, ("maxconn 20000", "maxconn 100")]
    if name == "haproxy-tcp-1":
        replaced.append(("send-proxy-v2", "send-proxy"))
    file = "haproxy.cfg" if name == "haproxy" else "haproxy-tcp.cfg"
    said = _read(file, *replaced)
    (folder / "haproxy.cfg").write_text(said)
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


def _read(name: str, *replaced: tuple[str, str]) -> str:
    said = (DEPLOY / name).read_text()
    for old, new in replaced:
        assert old in said, f"deploy/{name} has no {old!r}"
        said = said.replace(old, new)
    return said


def found(name: str) -> str | None:
    """Where it is: Debian keeps those that are no users' programs in a folder of their own."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@asynccontextmanager
async def proxied(name: str, folder: Path, server: int) -> AsyncIterator[int]:
    """Run it while the block runs; its port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    program, *rest = command(name, folder, port, server)
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process(
            [found(program) or program, *rest],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        nursery.start_soon(_drain, process)
        try:
            with trio.fail_after(PATIENCE):
                await _answers(port, process)
            yield port
        finally:
            process.terminate()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 10):
                await process.wait()
            process.kill()
            nursery.cancel_scope.cancel()


async def _drain(process: trio.Process) -> None:
    assert process.stderr is not None
    async for said in process.stderr:
        print(said.decode(errors="replace"), end="")


async def _answers(port: int, process: trio.Process) -> None:
    """Until it takes connections. It says nothing of that, so it is asked."""
    while process.poll() is None:
        try:
            stream = await trio.open_tcp_stream("127.0.0.1", port)
        except OSError:
            await trio.sleep(0.02)
        else:
            await stream.aclose()
            return
    raise AssertionError(f"it ended with {process.returncode}")
