"""Install and build every peer: `make peers`. Each part that fails is named and skipped."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import PEERS
from ._native import compiled
from ._node import HOME
from ._python import VENV, PythonPeer
from .peer import ROOT, Peer

LOCK = ROOT / "requirements" / "peers.txt"


def _current(stamp: Path, *sources: Path) -> bool:
    """Whether that was done since the sources changed."""
    return stamp.exists() and all(stamp.stat().st_mtime >= source.stat().st_mtime for source in sources)


def _python() -> str | None:
    """The virtual environment of the Python peers, with the pinned packages."""
    stamp = VENV / ".installed"
    if _current(stamp, LOCK):
        return None
    python = os.environ.get("PYTHON") or sys.executable
    install = [str(VENV / "bin" / "pip"), "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
    for command in ([python, "-m", "venv", str(VENV)], install):
        if reason := compiled(command, ROOT):
            return reason
    stamp.touch()
    return None


def _node() -> str | None:
    """The pinned packages of the Node peers. None of their install scripts runs."""
    if not shutil.which("npm"):
        return "npm is not here. Remedy: install Node 20 or newer (Debian: apt-get install nodejs npm)"
    if _current(HOME / "node_modules" / ".package-lock.json", HOME / "package-lock.json"):
        return None
    return compiled(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], HOME)


def _build(peer: Peer) -> str | None:
    """Compile a peer, where its tools are here."""
    return peer.missing() or peer.build()


def install() -> int:
    """Do all of it. 0 also when a part is missing: what is not here is not measured, and is named."""
    steps: list[tuple[str, Callable[[], str | None]]] = [
        ("packages of the Python peers", _python),
        ("packages of the Node peers", _node),
    ]
    built = [peer for peer in PEERS if not isinstance(peer, PythonPeer)]
    steps += [(peer.title, partial(_build, peer)) for peer in built]
    skipped = 0
    for number, (title, step) in enumerate(steps, 1):
        print(f"[{number:>2}/{len(steps)}] {title} …", end="", flush=True)
        begin = time.monotonic()
        reason = step()
        said = f"skipped: {reason}" if reason else f"ok ({time.monotonic() - begin:.0f} s)"
        print(f"\r[{number:>2}/{len(steps)}] {title}: {said}", flush=True)
        skipped += bool(reason)
    able = sum(peer.missing() is None for peer in PEERS)
    print(f"{able} of {len(PEERS)} peers can be measured; `python -m bench.peers` lists them.")
    return 0
