"""The Pythons of this machine, one of each version that the wheel is for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def candidates(version: str) -> Iterator[str]:
    """In the path, and among pyenv's: its shims are in the path, but work for chosen versions alone."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if found := shutil.which(f"python{version}", path=folder):
            yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(root.glob(f"versions/{version}*/bin/python{version}"), reverse=True))


def works(python: str, version: str) -> bool:
    """Whether it starts, is that version, and can make a virtual environment."""
    code = f"import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find(version: str) -> str | None:
    """The path of one, or None."""
    return next((path for path in candidates(version) if works(path, version)), None)
