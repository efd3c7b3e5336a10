"""Peers that are compiled: in rust/ and go/, each with a lock file of its own, built into target/peers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .peer import BUILT, ROOT, Peer, Work

RUST = Path(__file__).parent / "rust"
GO = Path(__file__).parent / "go"
# Longer than a cold build on a slow machine, in seconds.
PATIENCE = 900


def compiled(command: list[str], folder: Path, **environment: str) -> str | None:
    """Run a compiler in a folder. The reason, when it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"`{' '.join(command)}` in {folder.relative_to(ROOT)}: {error}"
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-8:])
        return f"`{' '.join(command)}` in {folder.relative_to(ROOT)} failed:\n{said}"
    return None


@dataclass(frozen=True)
class RustPeer(Peer):
    """A program of rust/src/bin, named like its crate."""

    language: str = "Rust"

    def missing(self) -> str | None:
        return None if shutil.which("cargo") else "cargo is not here. Remedy: see https://rustup.rs"

    def build(self) -> str | None:
        target = str(BUILT / "rust")
        build = ["cargo", "build", "--release", "--locked", "--quiet", "--bin", self.name]
        return compiled(build, RUST, CARGO_TARGET_DIR=target)

    def command(self, work: Work) -> list[str]:
        return [str(BUILT / "rust" / "release" / self.name), work]

    def version(self) -> str:
        locked = tomllib.loads((RUST / "Cargo.lock").read_text())["package"]
        return next(str(one["version"]) for one in locked if one["name"] == self.name)


@dataclass(frozen=True)
class GoPeer(Peer):
    """The program of go/, with the module that it leans on."""

    language: str = "Go"
    needs: str = ""

    def missing(self) -> str | None:
        return None if shutil.which("go") else "go is not here. Remedy: see https://go.dev/doc/install"

    def build(self) -> str | None:
        return compiled(["go", "build", "-trimpath", "-o", str(BUILT / self.name), "."], GO)

    def command(self, work: Work) -> list[str]:
        return [str(BUILT / self.name), work]

    def version(self) -> str:
        words = (GO / "go.mod").read_text().split()
        return words[words.index(self.needs) + 1].removeprefix("v")
