"""`rtcore demo`: the pages, and a server that begins again when a page asks for it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile

import msgspec

from rtcore.config import Config


def show(config: Config, kept: str | None) -> None:
    """Serve the demonstration until it is told to end. `kept`: the folder of the server before this one."""
    from rtcore.site.demo_app import Restart, app

    from .start import run

    folder = None if config.data else kept or tempfile.mkdtemp(prefix="rtcore-demo-")
    port = config.port or _free(config.host[0])
    serving = msgspec.structs.replace(config, demo=True, mount=None, port=port, data=config.data or folder)
    try:
        run(app, serving)
    except BaseException:
        Restart.asked = False
        raise
    finally:
        if folder and not Restart.asked:
            shutil.rmtree(folder, ignore_errors=True)
    if Restart.asked:
        _again(port, folder)


def _again(port: int, folder: str | None) -> None:
    """Begin as a new process in the place of this one: same flags, same port, same folder."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):  # what is ignored here would be ignored there
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    more = ["--kept", folder] if folder else []
    # A flag that is given twice is refused.
    flags = _without(sys.argv[1:], ("--port", "--kept"))
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "rtcore", *flags, "--port", str(port), *more])  # noqa: S606


def _without(flags: list[str], names: tuple[str, ...]) -> list[str]:
    left: list[str] = []
    skip = False
    for flag in flags:
        if skip:
            skip = False
        elif flag in names:
            skip = True
        elif not flag.startswith(tuple(f"{name}=" for name in names)):
            left.append(flag)
    return left


def _free(host: str) -> int:
    """A port that is free now, for all the servers that follow each other."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
