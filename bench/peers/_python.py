"""Peers in Python: which interpreter runs them, and what their servers have in common."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import socket
import sys
import sysconfig
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .peer import ROOT, Peer, Work

VENV = ROOT / ".venv-peers"
REMEDY = "make peers"


def _folders(venv: Path) -> list[str]:
    """Where an environment keeps its packages."""
    return [str(folder) for folder in venv.glob("lib/python3.*/site-packages")]


def installed(package: str, folders: list[str]) -> str | None:
    """The version of a package in these folders; None when it is not there."""
    found = importlib.metadata.distributions(name=package, path=folders)
    return next((one.version for one in found), None)


@dataclass(frozen=True)
class PythonPeer(Peer):
    """A peer whose module has a `serve(work)`, run in an interpreter that has its packages.

    That is the one of .venv-peers, with pinned versions. Where it is not made, the interpreter that asks
    does if it happens to have them, so that the tests can try some without installing more: `version` says
    what it was.
    """

    language: str = "Python"
    module: str = ""
    # The first is the library that is measured.
    packages: tuple[str, ...] = ()
    # Used when it is there; said in the version.
    faster: tuple[str, ...] = ()

    def _home(self) -> tuple[str, list[str]] | None:
        """The interpreter, and where it keeps its packages."""
        own = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        for python, folders in ((VENV / "bin" / "python", _folders(VENV)), (Path(sys.executable), own)):
            if python.exists() and all(installed(package, folders) for package in self.packages):
                return str(python), folders
        return None

    def missing(self) -> str | None:
        if self._home() is None:
            return f"not installed: {', '.join(self.packages)}. Remedy: {REMEDY}"
        return None

    def command(self, work: Work) -> list[str]:
        home = self._home()
        if home is None:
            raise RuntimeError(f"{self.name}: {self.missing()}")
        return [home[0], "-m", "bench.peers._serve", self.module, work]

    def version(self) -> str:
        home = self._home()
        if home is None:
            return ""
        first, *others = [(name, installed(name, home[1])) for name in (*self.packages, *self.faster)]
        return ", ".join([str(first[1]), *(f"{name} {version}" for name, version in others if version)])


def listener() -> socket.socket:
    """A listening socket at a free port of 127.0.0.1. From here on the kernel accepts."""
    return socket.create_server(("127.0.0.1", 0), backlog=4096)


def announce(listening: socket.socket) -> None:
    """Say where, as every peer does."""
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)


def run_asyncio(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it on uvloop where that is installed: the documented way to make asyncio servers faster."""
    try:
        runner = importlib.import_module("uvloop").run
    except ImportError:
        runner = asyncio.run
    runner(main())
