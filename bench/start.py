"""`python -m bench.start`: how soon `rtcore serve` answers, a reload too, and what is around a handler costs.

Beside the clock's time stands the processor time of the server's process: that of a machine with other work.
A server is started once before, since a wheel that was installed has its modules compiled.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import rtcore
from rtcore._app.surrounding import assembled

RUNS = 5
APP = """import rtcore
app = rtcore.App()
@app.websocket("/vVERSION")
async def version(socket: rtcore.RawSocket) -> None: ...
"""


def environment() -> dict[str, str]:
    """Ours, without what keeps Python from keeping what it compiled: each start would compile all anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`rtcore serve` in a folder, from when it is started; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "rtcore", "serve", "served:app", "--port", str(port), *flags]
    silent = subprocess.DEVNULL
    started = subprocess.Popen(command, cwd=folder, stdout=silent, stderr=silent, env=environment())
    with started as process:
        try:
            yield process, port
        finally:
            process.send_signal(signal.SIGTERM)


def until(port: int, path: str, status: int) -> None:
    """Ask until this is the answer."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                found = answer.status
        except urllib.error.HTTPError as error:
            found = error.code
        except OSError:
            found = 0
        if found == status:
            return
        time.sleep(0.01)


def used(pid: int) -> float:
    """Processor time of a process so far (s)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def first_answer(folder: Path) -> tuple[float, float]:
    """Seconds from the start to the first answer, by the clock and of the processor."""
    (folder / "served.py").write_text(APP)
    began = time.perf_counter()
    with serving(folder) as (process, port):
        until(port, "/readyz", 200)
        return time.perf_counter() - began, used(process.pid)


def reloads(folder: Path, runs: int) -> list[float]:
    """Seconds from the change of a file until the new application answers."""
    (folder / "served.py").write_text(APP.replace("VERSION", "0"))
    took = []
    with serving(folder, "--reload") as (_, port):
        until(port, "/v0", 426)
        for n in range(1, runs + 1):
            (folder / "new").write_text(APP.replace("VERSION", str(n)))
            began = time.perf_counter()
            (folder / "new").replace(folder / "served.py")
            until(port, f"/v{n}", 426)
            took.append(time.perf_counter() - began)
    return took


def plain(session: rtcore.Session) -> int:
    """A handler that does nothing."""
    return 1


def one() -> int:
    """A dependency that does nothing."""
    return 1


def dependent(session: rtcore.Session, given: Annotated[int, rtcore.Depends(one)]) -> int:
    """A handler that needs it."""
    return given


def around() -> dict[str, float]:
    """What a call costs more (us) with a middleware that does nothing, and with a dependency."""

    def cost(function: Any, *, middleware: bool) -> float:
        app = rtcore.App()
        app.on("x")(function)
        if middleware:
            app.middleware(lambda call, further: further(call))
        handler = app._registry.handlers[-1]
        run, _ = assembled(handler, "event", "x", app._registry.layer, {})
        session: Any = object()
        spent = timeit.repeat(lambda: run(session), timer=time.process_time, number=100_000, repeat=9)
        return min(spent) * 10

    alone = cost(plain, middleware=False)
    return {
        "a middleware": cost(plain, middleware=True) - alone,
        "a dependency": cost(dependent, middleware=False) - alone,
    }


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first_answer(folder)
        starts = [first_answer(folder) for _ in range(RUNS)]
        took = reloads(folder, RUNS)
    clock, processor = ([row[at] for row in starts] for at in (0, 1))
    for what, figures in (("first answer", clock), ("  of the processor", processor), ("a reload", took)):
        print(f"{what}: {statistics.median(figures):.2f} s (best {min(figures):.2f})")
    for what, more in around().items():
        print(f"{what}: {more:.2f} us")


if __name__ == "__main__":
    main()
