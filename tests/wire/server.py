"""The server under test: a process of its own, on a port of its own."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests import leaks
from tests.patience import PATIENCE

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
START = PATIENCE


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """In the child: be killed when the test run is, so that no server is left behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """`rtcore serve` (or what takes its place) with an application of a folder, this one unless told, and
    some limits set.
    """

    def __init__(
        self,
        app: str = "app",
        options: tuple[str, ...] = (),
        limits: dict[str, int] | None = None,
        folder: Path = HERE,
        by: tuple[str, ...] = ("-m", "rtcore", "serve"),
    ) -> None:
        command = [sys.executable, *by, f"{app}:app", "--port", "0", *options]
        for name, value in (limits or {}).items():
            command += ["--limit", f"{name}={value}"]
        env = dict(os.environ, PYTHONUNBUFFERED="1")
        if (ROOT / "python" / "rtcore" / "_core.abi3.so").exists():
            env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "python"), env.get("PYTHONPATH")]))
        self.command = " ".join(command)
        self.lines: list[str] = []
        self.news = threading.Condition()
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        # Servers are shared by tests, and so is what belongs to them.
        leaks.shared_threads.add(self.reader)
        assert self.process.stdout is not None
        leaks.shared_descriptors.add(self.process.stdout.fileno())
        found = re.search(
            r"https?://(\[[0-9a-f:]+\]|[\w.]+):(\d+)", self.wait_for(r"https?://\S+:\d+", START)
        )
        assert found is not None
        self.address = (found.group(1).strip("[]"), int(found.group(2)))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.lines.append("")  # the end: wakes who waits
            self.news.notify_all()

    @property
    def output(self) -> str:
        """All that it has printed."""
        return "".join(self.lines)

    def wait_for(self, pattern: str, deadline: float = PATIENCE) -> str:
        """Wait until it has printed a line that fits; return the line."""
        end = time.monotonic() + deadline
        with self.news:
            while True:
                for line in self.lines:
                    if re.search(pattern, line):
                        return line
                left = end - time.monotonic()
                over = self.process.poll() is not None and self.lines[-1:] == [""]
                if over or left <= 0 or not self.news.wait(left):
                    raise AssertionError(f"{self.command}\nnever printed {pattern!r}, but:\n{self.output}")

    def terminate(self) -> None:
        """Ask it to end, as a supervisor does."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, deadline: float = PATIENCE) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(deadline)

    def stop(self) -> None:
        """End it, by force if need be."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.reader.join(10)
        leaks.shared_threads.discard(self.reader)
        assert self.process.stdout is not None
        leaks.shared_descriptors.discard(self.process.stdout.fileno())
        self.process.stdout.close()
