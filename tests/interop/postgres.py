"""A PostgreSQL of a test's own, where it is installed: in a folder that goes with it, at a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "nobody"
"""Who runs it where root runs the tests: PostgreSQL refuses root."""


def found() -> Path | None:
    """The folder of its programs."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = shutil.which("initdb") or (debian[-1] if debian else None)
    return None if program is None else Path(program).resolve().parent


@contextmanager
def serving(programs: Path) -> Iterator[str]:
    """The folder of its socket; its user and its database are `postgres`, and it asks for no password."""
    user = USER if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="rtcore-postgres-") as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"

        def run(program: str, *words: str) -> None:
            subprocess.run(
                [programs / program, *words], check=True, capture_output=True, cwd=folder,
                env={**os.environ, "LC_ALL": "C"}, **(as_user(user) if user else {}),
            )  # fmt: skip

        run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield str(folder)
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def as_user(name: str) -> dict[str, Any]:
    """How a process is begun as somebody else."""
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
