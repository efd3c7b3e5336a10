"""`rtcore log`: look into what is kept on disk, check it, take it elsewhere."""

from __future__ import annotations

import contextlib
import datetime
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
import msgspec

from rtcore._engine import logs
from rtcore._ground.patterns import matches

from .bar import bar
from .lines import json_lines
from .looking import Looking
from .words import shown
from .wrong import Failed

_EPILOG = """\b
Examples:
  rtcore log ./data stats                          rooms, sessions, sizes
  rtcore log ./data show orders:7 --last 20        the newest entries of a room
  rtcore log ./data follow                         what is said, as it is kept
  rtcore log ./data search refund --room 'orders:*'
  rtcore log ./data export > all.jsonl             one object a line; import reads it
  rtcore log ./data verify                         every entry and its checksum
  rtcore log ./data salvage damaged.db             save what can be read of a file

FOLDER is what the server was given as --data. stats, show, follow, search,
export and verify only read, and may be used while a server runs; import,
compact and salvage want the folder for themselves. The exit status is 1 where
it could not be done, or something is wrong.
"""
_ROOM = click.option("--room", metavar="PATTERN", default="*", help="Rooms of this pattern alone.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One object a line, for programs.")


@click.group(cls=Looking, epilog=_EPILOG)
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_context
def log(context: click.Context, folder: Path) -> None:
    """Look into the log in FOLDER, check it, take it elsewhere."""
    context.obj = folder
    # What reads or writes for long is not in Python: Ctrl-C ends it. A log is whole whenever that is.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@log.command()
@click.argument("room", required=False)
@click.option("--last", type=click.IntRange(1), metavar="N", help="The newest N alone.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="SEQ", help="Above this number.")
@_JSON
@click.pass_obj
def show(folder: Path, room: str | None, last: int | None, after: int, as_json: bool) -> None:
    """Entries of ROOM, or of all rooms, oldest first."""
    known = logs.Log(folder)
    if room is not None and room not in _newest(known):
        click.echo(
            f"nothing is kept of the room {shown(room)}; `stats` names those of which something is", err=True
        )
    found = known.entries(room, after)
    if last is not None:
        from collections import deque

        found = iter(deque(found, last))
    _say(found, as_json)


@log.command()
@click.argument("room", required=False)
@click.option("--interval", type=click.FloatRange(0.01), default=0.2, metavar="SECONDS")
@_JSON
@click.pass_obj
def follow(folder: Path, room: str | None, interval: float, as_json: bool) -> None:
    """What is kept of ROOM, or of all rooms, from now on. It ends with Ctrl-C."""
    which = _which(folder)
    known = logs.Log(folder)
    newest = _newest(known)
    after = max(newest.values(), default=0) if room is None else newest.get(room, 0)
    while True:
        for entry in known.entries(room, after):
            after = entry.seq
            _say(iter([entry]), as_json)
        time.sleep(interval)
        if (now := _which(folder)) not in (None, which):
            # A log was put back, or set aside: what is kept from now on is in another file, numbered on.
            with contextlib.suppress(logs.Unusable):  # it is being made
                known, which = logs.Log(folder), now


@log.command()
@click.argument("text")
@_ROOM
@_JSON
@click.pass_obj
def search(folder: Path, text: str, room: str, as_json: bool) -> None:
    """Entries whose event, user or data contain TEXT, upper or lower case."""
    wanted = text.lower()

    def hits() -> Iterator[logs.Kept]:
        for entry in _of(logs.Log(folder), room):
            said = [entry.event or "", entry.user or "", _readable(entry.raw)]
            if any(wanted in each.lower() for each in said):
                yield entry

    _say(hits(), as_json)


@log.command()
@_ROOM
@click.option("-o", "--output", type=click.File("wb"), default="-", metavar="FILE")
@click.pass_obj
def export(folder: Path, room: str, output: IO[bytes]) -> None:
    """All entries as lines of JSON: what `import` reads."""
    known = logs.Log(folder)
    total = sum(each[3] for each in known.stats()["rooms"] if matches(room, each[0]))
    damaged = 0
    with bar("exporting") as tell:
        for number, entry in enumerate(_of(known, room), 1):
            damaged += entry.room is None
            output.write(msgspec.json.encode(entry.line()) + b"\n")
            if number % 1000 == 0:
                tell(number, total)
        tell(total, total)
    if damaged:
        raise Failed(f"{damaged:,} entries are damaged: their lines have a number and nothing else")


@log.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def import_(folder: Path, file: Path) -> None:
    """Append the entries of FILE (lines of JSON, as `export` writes them) under new numbers."""
    with file.open("rb") as lines:
        total = sum(1 for _ in lines)
    with bar("importing") as tell:
        entries = json_lines(file, logs.Line, "entry", "what came before is kept")
        count, first, last = logs.append(folder, entries, total, tell)
    click.echo(f"{count:,} entries, now {first:,} to {last:,}" if count else "no entries")


@log.command()
@click.option("--json", "as_json", is_flag=True, help="One object, for programs.")
@click.pass_obj
def verify(folder: Path, as_json: bool) -> None:
    """Read every entry and look at its checksum, and at the bookkeeping."""
    with bar("verifying") as tell:
        whole, damaged, first, faults = logs.Log(folder).verify(tell)
    if as_json:
        click.echo(json.dumps({"whole": whole, "damaged": damaged, "first": first, "faults": faults}))
    else:
        click.echo(f"{whole:,} entries are whole, {damaged:,} damaged")
        for fault in [*(f"the entry {seq} is damaged" for seq in first), *faults]:
            click.echo(f"  {shown(fault)}")
    if damaged or faults:
        raise click.exceptions.Exit(1)


@log.command()
@click.pass_obj
def compact(folder: Path) -> None:
    """Write the log anew, as small as it can be. It needs as much room again while it runs."""
    with bar("compacting") as tell:
        before, after = logs.compact(folder, tell)
    click.echo(f"{before:,} bytes before, {after:,} now")


@log.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def salvage(folder: Path, file: Path) -> None:
    """Save what can be read of FILE, such as a log that was set aside, into the log of FOLDER.

    Entries get new numbers; the old ones are kept beside them. FILE is left as it is.
    """
    with bar("saving") as tell:
        count, first, last, damaged, lost = logs.salvage(file, folder, tell)
    numbers = f", now {first:,} to {last:,}" if count else ""
    click.echo(
        f"{count:,} entries saved{numbers}; {damaged:,} were damaged, {lost:,} parts of the file unreadable"
    )


@log.command()
@_JSON
@click.pass_obj
def stats(folder: Path, as_json: bool) -> None:
    """Rooms, sessions, sizes, and how the last life of a server ended."""
    known = logs.Log(folder).stats()
    rooms = [
        dict(zip(("room", "first", "last", "count", "freed", "bytes"), row, strict=True))
        for row in known["rooms"]
    ]
    if as_json:
        click.echo(json.dumps({**known, "rooms": rooms}))
        return
    ended = "in good order" if known["head"] is not None else "it runs, or was cut off"
    click.echo(f"epoch     {known['epoch'] or 'none yet'}   schema {known['version']}   last life: {ended}")
    click.echo(f"on disk   {known['log_bytes']:,} bytes, {known['journal_bytes']:,} in the journal")
    click.echo(f"sessions  {known['sessions']:,}   acks {known['acks']:,}   keys {known['keys']:,}")
    click.echo(f"ran for   {datetime.timedelta(milliseconds=known['running_ms'])}")
    for each in sorted(rooms, key=lambda room: -room["bytes"]):
        span = f"{each['first']:,} to {each['last']:,}" if each["count"] else "nothing"
        click.echo(f"{each['count']:>12,} entries {each['bytes']:>15,} bytes  {shown(each['room'])}  {span}")


def _newest(known: logs.Log) -> dict[str, int]:
    """The newest number of each room."""
    return {name: last for name, _, last, *_ in known.stats()["rooms"]}


def _which(path: Path) -> int | None:
    """Which file the log is. None: there is none at this moment."""
    with contextlib.suppress(FileNotFoundError):
        return (path / "log.db" if path.is_dir() else path).stat().st_ino
    return None


def _of(known: logs.Log, pattern: str) -> Iterator[logs.Kept]:
    if "*" not in pattern:
        return known.entries(pattern)
    return (entry for entry in known.entries() if entry.room is None or matches(pattern, entry.room))


def _say(entries: Iterator[logs.Kept], as_json: bool) -> None:
    for entry in entries:
        if as_json:
            click.echo(msgspec.json.encode(entry.line()).decode())
        elif entry.room is None:
            click.echo(f"{entry.seq:>10}  DAMAGED")
        else:
            when = datetime.datetime.fromtimestamp(entry.time / 1000).astimezone()
            said = f"{entry.user or entry.session or '-'}  {entry.event}  {_readable(entry.raw)}"
            click.echo(f"{entry.seq:>10}  {when:%Y-%m-%d %H:%M:%S}  {shown(entry.room)}  {shown(said)}")
    sys.stdout.flush()


def _readable(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode("utf-8", "replace")
