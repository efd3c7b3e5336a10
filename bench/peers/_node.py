"""Peers on Node: their programs and their pinned packages are in node/."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .peer import ROOT, Peer, Work

HOME = Path(__file__).parent / "node"


@dataclass(frozen=True)
class NodePeer(Peer):
    """A program in node/, which is given the work as its argument. Node runs JavaScript on one thread."""

    language: str = "JavaScript"
    program: str = ""
    # The first is the library that is measured.
    packages: tuple[str, ...] = ()

    def missing(self) -> str | None:
        if not shutil.which("node"):
            return "node is not here. Remedy: install Node 20 or newer (Debian: apt-get install nodejs npm)"
        absent = [package for package in self.packages if _version(package) is None]
        return f"not installed: {', '.join(absent)}. Remedy: make peers" if absent else None

    def command(self, work: Work) -> list[str]:
        return ["node", str((HOME / self.program).relative_to(ROOT)), work]

    def version(self) -> str:
        if self.missing():
            return ""
        node = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
        first, *others = self.packages
        return ", ".join(
            [
                str(_version(first)),
                *(f"{name} {_version(name)}" for name in others),
                f"Node {node.lstrip('v')}",
            ]
        )


def _version(package: str) -> str | None:
    """The version of an installed package."""
    about = HOME / "node_modules" / package / "package.json"
    return str(json.loads(about.read_text())["version"]) if about.exists() else None
