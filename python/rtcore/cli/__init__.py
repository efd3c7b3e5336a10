"""The command `rtcore`: serve an application, try the demonstration, look at the configuration."""

from __future__ import annotations

import platform
import sys

import click
import trio

from rtcore._engine import SQLITE, VERSION
from rtcore._serve.logs import keep_standard_streams

from .commands import Commands

_EPILOG = """\b
Examples:
  rtcore demo                              a chat at http://127.0.0.1:8000
  rtcore new shop                          an application to begin with, in ./shop
  rtcore serve myapp:app                   the App `app` in myapp.py
  rtcore serve myapp:app --mount web:site  beside an ASGI application
  rtcore routes myapp:app                  what it answers to, and where that stands
  rtcore config --port 9000                the settings in effect, and why
  rtcore token ann --secret-file secret    a signed token to try things with
  rtcore connect http://127.0.0.1:8000     a client in the terminal
  rtcore publish URL tea say '"hello"'     say something once
  rtcore doctor https://example.org/rt     what the network between does to a connection
  rtcore top http://127.0.0.1:8000         what it does, and what is wrong with it
  rtcore trace URL --event say             one message through each stage, with times
  rtcore log ./data stats                  what is kept on disk
  rtcore data ./data list                  the collections among it
  rtcore backup ./data monday.db           a copy of it, while a server runs

Each command has examples of its own: rtcore serve --help
"""


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    click.echo(f"rtcore, version {VERSION}")
    if {"-v", "--verbose"} & set(sys.argv[1:]):
        click.echo(f"SQLite {SQLITE} (built in), Python {platform.python_version()}, Trio {trio.__version__}")
    context.exit()


@click.group(cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, callback=_version, expose_value=False, help="Show the version.")
@click.option(
    "-v", "--verbose", is_flag=True, is_eager=True, expose_value=False, help="With --version: of all parts."
)
def main() -> None:
    """A realtime server: rooms, events and sessions over WebSocket."""
    keep_standard_streams()  # before the application is imported, which may open files


__all__ = ["main"]
