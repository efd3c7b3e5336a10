"""`rtcore serve --reload`: the server as a program of its own, which is begun again when a file changes.

What watches loads nothing of the application: a file that is no Python ends the server's program, and the
next change begins it again. Clients come back by themselves, as after any restart; with `--data` so do
sessions, and what is durable.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

import click

from .wrong import Wrong

PATIENCE: Final = 1.0
"""Seconds that what runs may take to finish; then a second signal ends it at once."""
_LOOK_MS: Final = 200
_ENDS: Final = {".py", ".toml", ".html", ".jinja", ".env"}


def reload(words: Sequence[str], folders: Sequence[Path]) -> int:
    """Serve by `rtcore serve` with these words, again and again; the status with which it ended at last.

    Raises:
        click.ClickException: what watches files is not installed, or a folder is none.

    """
    for folder in folders:
        if not folder.is_dir():
            raise Wrong(f"--reload-dir is a folder whose files are watched, and {str(folder)!r} is none")
    watched = _watched(folders or [Path.cwd()])
    # Its modules are compiled anew each time (-B): Python's cache knows a file by its second and its length,
    # and the old one would be served after two changes within a second.
    return _Program([sys.executable, "-B", "-m", "rtcore", "serve", *words]).keep(watched)


def without(words: Sequence[str]) -> list[str]:
    """The words of a command line behind `serve`, without what is said of reloading."""
    behind = list(words[words.index("serve") + 1 :] if "serve" in words else words[1:])
    kept: list[str] = []
    while behind:
        word = behind.pop(0)
        if word == "--reload-dir":
            del behind[:1]
        elif word != "--reload" and not word.startswith("--reload-dir="):
            kept.append(word)
    return kept


def _watched(folders: Sequence[Path]) -> _Watch:
    try:
        import watchfiles  # noqa: F401
    except ImportError:
        raise click.ClickException(
            "--reload needs watchfiles, which is not installed: pip install 'rtcore[reload]'"
        ) from None
    return _Watch(folders)


class _Watch:
    """Files that have changed, looked at a few times a second."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self.over = threading.Event()

    def changes(self) -> Iterator[list[Path]]:
        """What has changed; nothing: it is only time to look at something else."""
        from watchfiles import DefaultFilter, watch

        usual = DefaultFilter()  # without caches, environments and version control
        for found in watch(
            *self._folders,
            watch_filter=lambda change, path: usual(change, path) and Path(path).suffix in _ENDS,
            stop_event=self.over,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            yield sorted({Path(path) for _, path in found})


class _Program:
    """The server's program: there, or ended by itself and not yet begun again."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._running: subprocess.Popen[bytes] | None = None
        self._ending = False

    def keep(self, watched: _Watch) -> int:
        """Begin it, and again at each change, until a signal ends us or it ends in good order."""

        def end(number: int, _: FrameType | None) -> None:
            self._ending = True
            watched.over.set()
            if self._running is not None and number != signal.SIGINT:  # Ctrl-C comes to both
                self._running.send_signal(signal.SIGTERM)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        self._begin()
        for changed in watched.changes():
            running = self._running
            if running is not None and (status := running.poll()) is not None:
                self._running = None
                if status == 0:
                    return 0
                click.echo(f"the server ended with status {status}: waiting for a change", err=True)
            if changed and not self._ending:
                click.echo(f"{_named(changed)}: the server begins again", err=True)
                self._end()
                self._begin()
        return 0 if self._running is None else self._running.wait()

    def _begin(self) -> None:
        self._running = subprocess.Popen(self._command)  # noqa: S603 - ourselves

    def _end(self) -> None:
        if self._running is None:
            return
        self._running.send_signal(signal.SIGTERM)
        try:
            self._running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._running.send_signal(signal.SIGTERM)
            self._running.wait()


def _named(changed: Sequence[Path]) -> str:
    here = Path.cwd()
    path = changed[0]
    name = str(path.relative_to(here) if path.is_relative_to(here) else path)
    return name if len(changed) == 1 else f"{name} and {len(changed) - 1} more"
