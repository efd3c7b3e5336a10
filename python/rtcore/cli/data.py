"""`rtcore data`: look into the collections that are kept on disk, take them elsewhere and put them back."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import IO

import click
import msgspec

from rtcore._engine import logs
from rtcore._ground.patterns import matches

from .lines import json_lines
from .looking import Looking
from .words import shown
from .wrong import Failed

_EPILOG = """\b
Examples:
  rtcore data ./data list                          collections, documents, sizes
  rtcore data ./data show notes:ann                its documents
  rtcore data ./data show notes:ann n1             one of them, as JSON
  rtcore data ./data export > all.jsonl            one document a line; import reads it
  rtcore data ./data import all.jsonl              documents take the place of those there
  rtcore data ./data verify                        whether each can be read
  rtcore data ./data salvage damaged.db            save what can be read of a file

FOLDER is what the server was given as --data, or a backup of it. All but
import and salvage only read, and may be used while a server runs; these two
want the folder for themselves. The exit status is 1 where it could not be done, or something is
wrong.
"""
_NAME = click.argument("pattern", default="*")
_JSON = click.option("--json", "as_json", is_flag=True, help="One object a line, for programs.")


class Line(msgspec.Struct):
    """A line of JSON that is imported."""

    collection: str
    key: str
    value: msgspec.Raw


@click.group(cls=Looking, epilog=_EPILOG)
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_context
def data(context: click.Context, folder: Path) -> None:
    """Look into the collections in FOLDER, take them elsewhere, put them back."""
    context.obj = folder
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what reads for long is not in Python


@data.command("list")
@_NAME
@_JSON
@click.pass_obj
def list_(folder: Path, pattern: str, as_json: bool) -> None:
    """Collections whose names match PATTERN, with how much is in them."""
    for name in _names(folder, pattern):
        found = logs.collection(folder, name)
        if as_json:
            about = {"collection": name, "documents": len(found.documents), "bytes": found.size}
            click.echo(json.dumps({**about, "schema": found.schema, "horizon": found.horizon}))
        else:
            click.echo(f"{len(found.documents):>12,} documents {found.size:>15,} bytes  {shown(name)}")


@data.command()
@click.argument("collection")
@click.argument("key", required=False)
@_JSON
@click.pass_obj
def show(folder: Path, collection: str, key: str | None, as_json: bool) -> None:
    """Documents of COLLECTION by their keys, or the one at KEY."""
    if collection not in _names(folder, collection):
        raise Failed(
            f"nothing is kept of a collection {collection!r}: `rtcore data {folder} list` says of which"
        )
    documents = logs.collection(folder, collection).documents
    if key is not None:
        values = [value for each, _, value in documents if each == key]
        if not values:
            raise Failed(f"there is no document {key!r} in {collection!r}")
        click.echo(values[0].decode())
        return
    for each, number, value in documents:
        if as_json:
            click.echo(_line(collection, each, value).decode())
        else:
            click.echo(f"{number:>10}  {shown(each)}  {shown(value.decode())}")


@data.command()
@_NAME
@click.option("-o", "--output", type=click.File("wb"), default="-", metavar="FILE")
@click.pass_obj
def export(folder: Path, pattern: str, output: IO[bytes]) -> None:
    """All documents of collections that match PATTERN as lines of JSON: what `import` reads."""
    for name in _names(folder, pattern):
        for key, _, value in logs.collection(folder, name).documents:
            output.write(_line(name, key, value) + b"\n")


@data.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def import_(folder: Path, file: Path) -> None:
    """Put the documents of FILE (lines of JSON, as `export` writes them) into their collections.

    Each takes the place of what is at its key, with a number of its own: clients hear of it when they come
    back. A line that cannot be read ends it before anything is written.
    """
    found: dict[str, list[tuple[str, bytes]]] = {}
    for line in json_lines(file, Line, "document", "nothing was imported"):
        found.setdefault(line.collection, []).append((line.key, bytes(line.value)))
    now_ms = int(time.time() * 1000)
    for name, documents in found.items():
        count, first, last = logs.put_documents(folder, name, documents, now_ms)
        click.echo(f"{count:,} documents in {shown(name)}, now {first:,} to {last:,}")
    if not found:
        click.echo("no documents")


@data.command()
@_NAME
@click.pass_obj
def verify(folder: Path, pattern: str) -> None:
    """Read everything of each collection that matches PATTERN, and look at the checksums."""
    wrong = 0
    for name in _names(folder, pattern):
        try:
            found = logs.collection(folder, name)
        except logs.Unusable as error:
            wrong += 1
            click.echo(f"{shown(name)}: {shown(str(error))}")
        else:
            click.echo(f"{shown(name)}: {len(found.documents):,} documents are whole")
    if wrong:
        raise click.exceptions.Exit(1)


@data.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_NAME
@click.pass_obj
def salvage(folder: Path, file: Path, pattern: str) -> None:
    """Save what can be read of the collections in FILE, such as a log that was set aside, into FOLDER.

    Documents get new numbers, each in the place of what is at its key. Who wrote them is not saved, nor what
    was deleted: clients read such a collection anew, and say again what they have not confirmed. FILE is left
    as it is.
    """
    lost = 0
    for name in _names(file, pattern):
        documents, damaged = logs.readable(file, name)
        lost += damaged
        if documents:
            logs.put_documents(folder, name, documents, int(time.time() * 1000))
        click.echo(
            f"{len(documents):,} documents of {shown(name)} saved; {damaged:,} rows or parts are damaged"
        )
    if lost:
        raise click.exceptions.Exit(1)


def _names(folder: Path, pattern: str) -> list[str]:
    return [name for name in logs.collections(folder) if matches(pattern, name)]


def _line(collection: str, key: str, value: bytes) -> bytes:
    return msgspec.json.encode({"collection": collection, "key": key, "value": msgspec.Raw(value)})
