"""`rtcore backup` and `rtcore restore`: a copy of what is durable, and the way back."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from rtcore._engine import logs

from .bar import bar
from .wrong import Failed

_BACKUP = """\b
Examples:
  rtcore backup ./data /backups/monday.db
  rtcore log /backups/monday.db verify        look at what is in it

A server may run meanwhile: the copy is what the log held when it began. A
folder that is copied by hand while a server runs is no backup.
"""
_RESTORE = """\b
Examples:
  rtcore restore /backups/monday.db ./data

The server must not run. What is in the folder is renamed, never overwritten.
The next start begins a new epoch: numbers go on above all that were given, and
sessions begin anew, so that no client takes new entries for old ones.
"""


@click.command(epilog=_BACKUP)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
def backup(folder: Path, file: Path) -> None:
    """Copy the log in FOLDER into FILE, which must not be there yet."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with bar("copying") as tell:
            logs.backup(folder, file, tell)
    except logs.Unusable as error:
        raise Failed(str(error)) from None
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


@click.command(epilog=_RESTORE)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("folder", type=click.Path(path_type=Path))
def restore(file: Path, folder: Path) -> None:
    """Put FILE, made by `rtcore backup`, into FOLDER."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with bar("restoring") as tell:
            aside = logs.restore(folder, file, tell)
    except logs.Unusable as error:
        raise Failed(str(error)) from None
    click.echo(f"{folder} is as it was when {file} was made; the next start begins a new epoch")
    if aside is not None:
        click.echo(f"what was there is kept as {aside}")
