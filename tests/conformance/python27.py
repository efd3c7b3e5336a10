"""Where a Python 2.7 is: Autobahn's test suite was written for it, and runs on no later one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

HOW = """\
Autobahn's test suite runs on Python 2.7 only, and there is none here. Ways to get one:
  pyenv:       pyenv install 2.7.18
  Debian 11:   apt-get install python2.7 python2.7-dev
  any other:   build it from its sources, and name it:  make conformance PYTHON27=/path/to/python2.7
A C compiler and Python 2.7's headers are needed too: masking in plain Python would take hours."""


def candidates() -> Iterator[str]:
    """What may be one, the likeliest first: what was named, the path, pyenv's versions."""
    if named := os.environ.get("PYTHON27"):
        yield named
        return
    if found := shutil.which("python2.7"):
        yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(root.glob("versions/2.7*/bin/python2.7"), reverse=True))


def works(python: str) -> bool:
    """Whether it starts and is a 2.7: a shim of pyenv is in the path and may yet end with 127."""
    code = "import sys; sys.exit(sys.version_info[:2] != (2, 7))"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find() -> str | None:
    """The path of a Python 2.7, or None; `HOW` says what to do then."""
    return next(filter(works, candidates()), None)
