"""Autobahn's test suite, installed under target/ from lock files with hashes, and nowhere else."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "target" / "autobahn"
SITE = PLACE / "site"
# The last pip and setuptools for Python 2.7: many of these come without either.
TOOLS_LOCK = ROOT / "requirements" / "autobahn-tools.txt"
LOCK = ROOT / "requirements" / "autobahn.txt"


def environment(*folders: Path) -> dict[str, str]:
    """The environment of a Python 2.7 that sees these folders, and not the packages of a user."""
    path = os.pathsep.join(map(str, folders))
    return {**os.environ, "PYTHONPATH": path, "PYTHONNOUSERSITE": "1", "PYTHONWARNINGS": "ignore"}


def tools(python: str) -> dict[str, str]:
    """The environment in which `python -m pip` is the pinned one; this Python's pip brings it."""
    folder = PLACE / "tools"
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(folder)]
    target = ["--python-version", "2.7", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    subprocess.run([*command, *target, "-r", str(TOOLS_LOCK)], check=True)
    return environment(folder)


def install(python: str) -> None:
    """Bring the suite to `SITE`, unless it is there, made from these locks by this Python."""
    stamp = PLACE / "stamp"
    made_from = hashlib.sha256(python.encode() + TOOLS_LOCK.read_bytes() + LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == made_from:
        return
    print("installing Autobahn's test suite into target/autobahn (about a minute)", flush=True)
    PLACE.mkdir(parents=True, exist_ok=True)
    env = tools(python)
    shutil.rmtree(SITE, ignore_errors=True)
    log = PLACE / "install.log"
    command = [python, "-m", "pip", "install", "--no-deps", "--require-hashes", "--target", str(SITE)]
    with log.open("wb") as out:
        done = subprocess.run(
            [*command, "-r", str(LOCK)], env=env, stdout=out, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise SystemExit(f"{tail}\n\npip of {python} could not install Autobahn's suite; all of it: {log}")
    stamp.write_text(made_from)


def wstest(python: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of Autobahn's `wstest`."""
    # As a site folder, not in PYTHONPATH alone: zope's packages are joined by a `.pth` file.
    run = (
        "import site, sys; site.addsitedir(sys.argv.pop(1)); from autobahntestsuite.wstest import run; run()"
    )
    return [python, "-u", "-c", run, str(SITE), *arguments], environment()
