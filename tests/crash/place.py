"""A folder, and the servers that live in it one after the other."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import trio

from tests.contract.link import Place
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Nest:
    """The process that forks servers."""

    def __init__(self, env: dict[str, str] | None = None) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        path = [str(ROOT / "python"), str(ROOT), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nest"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_end_with_parent,
        )

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """One line there, one line back."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(what), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, "the nest has ended"
        return dict(json.loads(line))

    def close(self) -> None:
        """No more servers. Those that run end with it."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Life:
    """One server, from its start to its end."""

    def __init__(self, nest: Nest, folder: Path, env: dict[str, str], limits: dict[str, int]) -> None:
        self.nest = nest
        self.here = folder / "port"
        self.log = folder / "log"
        self.here.unlink(missing_ok=True)
        self.began = time.monotonic()
        given = {
            "data": str(folder / "data"),
            "log": str(self.log),
            "here": str(self.here),
            "env": {"RTCORE_CRASH_NOTES": str(folder / "notes"), **env},
            "limits": limits,
        }
        self.pid = int(nest.ask(given)["started"])
        self.over = False
        self.port = 0
        self.took = 0.0

    async def reached(self) -> Place:
        """Until the port answers."""
        with trio.move_on_after(PATIENCE):
            while not self.here.exists():
                if self._is_gone():
                    break
                await trio.sleep(0.002)
        if not self.here.exists():
            raise AssertionError(f"the server did not start:\n{self.log.read_text(encoding='utf-8')[-4000:]}")
        self.took = time.monotonic() - self.began
        self.port = int(self.here.read_text(encoding="ascii"))
        return Place(("127.0.0.1", self.port))

    def _is_gone(self) -> bool:
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state == "Z"

    def kill(self) -> None:
        """`kill -9`: nothing of it runs from here on."""
        if not self.over:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()

    def stop(self) -> int:
        """End it in good order; its status. -6: it did not end, and its log says where it stood."""
        os.kill(self.pid, signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        self.over = True
        return int(self.nest.ask({"wait": self.pid})["status"])
