"""The command `rtcore`: serve an application, try the demonstration, look at the configuration."""

from __future__ import annotations

import click

from rtcore._engine import VERSION
from rtcore._serve.logs import keep_standard_streams

from .connect import connect_command
from .doctor import doctor
from .publish import publish
from .show import config
from .start import demo, serve
from .token import token

_EPILOG = """\b
Examples:
  rtcore demo                              a chat at http://127.0.0.1:8000
  rtcore serve myapp:app                   the App `app` in myapp.py
  rtcore serve myapp:app --mount web:site  beside an ASGI application
  rtcore config --port 9000                the settings in effect, and why
  rtcore token ann --secret-file secret    a signed token to try things with
  rtcore connect http://127.0.0.1:8000     a client in the terminal
  rtcore publish URL tea say '"hello"'     say something once
  rtcore doctor https://example.org/rt     what the network between does to a connection

Each command has examples of its own: rtcore serve --help
"""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="rtcore")
def main() -> None:
    """A realtime server: rooms, events and sessions over WebSocket."""
    keep_standard_streams()  # before the application is imported, which may open files


main.add_command(serve)
main.add_command(demo)
main.add_command(config)
main.add_command(token)
main.add_command(connect_command)
main.add_command(publish)
main.add_command(doctor)

__all__ = ["main"]
