"""Logs on disk as people look at them: in a process of their own, beside a server or without one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from rtcore import _core
from rtcore.errors import StartError

T = TypeVar("T")

Progress = Callable[[int, int], object]
_PAGE = 500


class Kept(NamedTuple):
    """An entry as it is on disk. `room` None: it is damaged, and nothing but its number is known."""

    seq: int
    room: str | None
    event: str | None
    raw: bytes | None
    time: int
    session: str | None
    user: str | None
    exclude: str | None
    trace: str | None
    was_epoch: str | None
    was: int

    def line(self) -> dict[str, Any]:
        """What a line of JSON says of it."""
        if self.room is None:
            return {"seq": self.seq, "damaged": True}
        line: dict[str, Any] = {
            "seq": self.seq,
            "room": self.room,
            "event": self.event,
            "data": msgspec.Raw(self.raw or b"null"),
            "time": self.time,
        }
        more = {"session": self.session, "user": self.user, "exclude": self.exclude, "trace": self.trace}
        line |= {name: value for name, value in more.items() if value is not None}
        if self.was_epoch is not None:
            line["was"] = {"epoch": self.was_epoch, "seq": self.was}
        return line


class Line(msgspec.Struct):
    """A line of JSON that is imported."""

    room: str
    event: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    seq: int = 0
    time: int = 0
    session: str | None = None
    user: str | None = None
    exclude: str | None = None
    trace: str | None = None
    was: dict[str, Any] | None = None


class Unusable(StartError):  # noqa: N818 - what it is, in a word
    """The folder or the file is none that can be used for this. The text says why, and what to do."""


class Log:
    """A log that is looked at."""

    def __init__(self, path: Path) -> None:
        """Open it, to read alone.

        Raises:
            Unusable: there is none, or it is of a newer version.

        """
        self._log = _done(_core.Log, str(path))

    def entries(self, room: str | None = None, after: int = 0, upto: int | None = None) -> Iterator[Kept]:
        """Entries by number, oldest first."""
        while True:
            page = _done(self._log.page, room, after, upto, _PAGE)
            yield from (Kept(*row) for row in page)
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def stats(self) -> dict[str, Any]:
        """What it holds."""
        return dict(_done(self._log.stats))

    def verify(self, progress: Progress) -> tuple[int, int, list[int], list[str]]:
        """Look at all: whole entries, how many are damaged, the first of them, and what else is wrong."""
        return _done(self._log.verify, progress)


def backup(folder: Path, to: Path, progress: Progress) -> None:
    """A copy of a log, as a file; a server may write to it meanwhile."""
    _done(_core.log_backup, str(folder), str(to), progress)


def restore(folder: Path, copy: Path, progress: Progress) -> str | None:
    """Put a copy into a folder. Gives the name under which what was there is kept."""
    aside = _done(_core.log_restore, str(folder), str(copy), progress)
    return None if aside is None else str(aside)


def compact(folder: Path, progress: Progress) -> tuple[int, int]:
    """Write it anew: bytes before and after."""
    return _done(_core.log_compact, str(folder), progress)


def salvage(file: Path, folder: Path, progress: Progress) -> tuple[int, int, int, int, int]:
    """Save what can be read: entries, first and last number, how many are damaged, parts not readable."""
    return _done(_core.log_salvage, str(file), str(folder), progress)


def append(folder: Path, lines: Iterable[Line], total: int, progress: Progress) -> tuple[int, int, int]:
    """Append entries under new numbers: how many, first and last number."""

    def given() -> Iterator[Any]:
        for line in lines:
            was = line.was or ({"epoch": "", "seq": line.seq} if line.seq else None)
            yield (
                line.room, line.event, bytes(line.data), line.time, line.session, line.user, line.exclude,
                line.trace, None if was is None else str(was.get("epoch", "")),
                0 if was is None else int(was.get("seq", 0)),
            )  # fmt: skip

    return _done(_core.log_import, str(folder), given(), total, progress)


class Collection(NamedTuple):
    """A collection as it is on disk. Documents are key, number and JSON, by key."""

    schema: int
    horizon: int
    size: int
    documents: list[tuple[str, int, bytes]]


def collections(path: Path) -> list[str]:
    """The names of the collections of which something is kept, in a folder or a file."""
    return _done(_core.data_names, str(path))


def collection(path: Path, name: str) -> Collection:
    """What is in a collection. Raises `Unusable` where something of it is damaged."""
    return Collection(*_done(_core.data_read, str(path), name))


def readable(path: Path, name: str) -> tuple[list[tuple[str, bytes]], int]:
    """What can be read of a collection in a damaged file: documents, and how many rows or parts cannot."""
    return _done(_core.data_salvage, str(path), name)


def put_documents(
    folder: Path, name: str, documents: list[tuple[str, bytes]], now_ms: int
) -> tuple[int, int, int]:
    """Put documents into a collection, each at its key: how many, first and last number."""
    return _done(_core.data_import, str(folder), name, documents, now_ms)


def _done(work: Callable[..., T], *args: Any) -> T:
    try:
        return work(*args)
    except _core.Unusable as error:
        raise Unusable(error.args[1]) from None
    except _core.Refused as error:
        raise Unusable(str(error.args[1])) from None
