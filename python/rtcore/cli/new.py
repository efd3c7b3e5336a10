"""`rtcore new`: a small application to begin with, that runs, is typed, and has a test."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files as files_of
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from rtcore._engine import VERSION

from .wrong import Failed, Wrong

_EPILOG = """\b
Examples:
  rtcore new shop
  cd shop
  pip install -e '.[test]'
  rtcore serve shop:app --mount shop:site       then open http://127.0.0.1:8000
  pytest
"""
_TEMPLATE = "template"
_NAME = "NAME"
"""What stands for the name of the application in the files of the template, and in their names."""


@click.command(epilog=_EPILOG)
@click.argument("name", metavar="NAME")
@click.option(
    "--in",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where to put it; without this, in a new folder of that name here.",
)
def new(name: str, folder: Path | None) -> None:
    """Make an application: a module, a page, a test, a container file. Nothing is written over."""
    if not name.isidentifier() or keyword.iskeyword(name) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Wrong(
            f"{name!r} is to be the name of a Python module: small letters, digits and _, a letter first"
        )
    folder = folder or Path(name)
    files = _files(name)
    there = [path for path in files if (folder / path).exists()]
    if there:
        raise Wrong(f"{folder / there[0]} is there already, and is not written over: choose another folder")
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{error.filename or folder} cannot be written: {error.strerror}") from None
    for path in files:
        click.echo(f"  {folder / path}")
    click.echo(f"\ncd {folder}\npip install -e '.[test]'\nrtcore serve {name}:app --mount {name}:site")


def _files(name: str) -> dict[str, str]:
    """Paths and contents of what is made."""
    found: dict[str, str] = {}
    root = files_of("rtcore.cli") / _TEMPLATE

    def walk(at: Traversable, path: str) -> None:
        for one in sorted(at.iterdir(), key=lambda one: one.name):
            inner = f"{path}{one.name}"
            if one.is_dir():
                if one.name != "__pycache__":
                    walk(one, f"{inner}/")
            else:
                text = one.read_text(encoding="utf-8").replace(_NAME, name).replace("VERSION", VERSION)
                found[inner.replace(_NAME, name).removesuffix(".txt")] = text

    walk(root, "")
    return found
