"""`rtcore serve` and `rtcore demo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from rtcore import errors
from rtcore._ground.groups import leaves
from rtcore.config import Config

from .application import application
from .find import find
from .options import effective, settings
from .wrong import Wrong

if TYPE_CHECKING:
    from rtcore.app import App

# What a sentence explains. Anything else is a fault, and its author wants the traceback.
_SENTENCES = (errors.UsageError, errors.StartError)

_SERVE = """\b
Examples:
  rtcore serve myapp:app
  rtcore serve myapp:app --port 9000 --mount web:site
  rtcore serve myapp:app --reload                                  for development
  rtcore serve myapp:app --host 0.0.0.0 --origin https://app.example --proxy 10.0.0.0/8
  rtcore serve myapp:app --certificate cert.pem --key key.pem      https and wss
  rtcore serve myapp:app --limit ping_ms=10s --limit max_message=4MiB
  RTCORE_PORT=9000 RTCORE_LIMITS_PING_MS=10s rtcore serve myapp:app

\b
The same in rtcore.toml:
  port = 9000
  mount = "web:site"
  [limits]
  ping_ms = "10 s"

SIGTERM, SIGHUP or Ctrl-C: clients are told to come back, what runs may finish,
within limits.grace_ms. A second one: at once. A third: whatever is running.
"""


@click.command(epilog=_SERVE)
@click.argument("app", metavar="MODULE:APP")
@settings
@click.option("--reload", "again", is_flag=True, help="Begin again when a file changes. For development.")
@click.option(
    "--reload-dir",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR",
    help="Watch this folder, and not the one that we are in. May be said again.",
)
def serve(app: str, file: Path | None, again: bool, folders: tuple[Path, ...], **flags: Any) -> None:
    """Serve an application: the rtcore.App named APP in MODULE."""
    if folders and not again:
        raise Wrong("--reload-dir says what --reload watches: give that, too")
    if again:
        from .reload import reload, without

        effective(file, flags)  # what is wrong there no change of a file mends
        raise SystemExit(reload(without(sys.argv), folders))
    config = effective(file, flags).config
    run(application(app), config)


_DEMO = """\b
Examples:
  rtcore demo                 then open http://127.0.0.1:8000 in two windows
  rtcore demo --port 9000     another address: http://127.0.0.1:9000/
"""


@click.command(epilog=_DEMO)
@settings
@click.option("--kept", hidden=True, help="The folder of a demo before, which this one goes on with.")
def demo(file: Path | None, kept: str | None, **flags: Any) -> None:
    """Serve a few pages, to see it work: cut one off, bring it back, and nothing is missing."""
    from .demo import show

    show(effective(file, flags).config, kept)


def run(app: App, config: Config) -> None:
    """Serve as a program. Raises `click.ClickException`, with a sentence, where it cannot."""
    from rtcore._serve.given import no_asgi
    from rtcore._serve.program import run_program

    mount: Any = None if config.mount is None else find(config.mount, "an ASGI application")
    if (fault := no_asgi(mount)) is not None:
        raise Wrong(f"{config.mount} is no ASGI application: it {fault}")
    try:
        resort = run_program(app, config, cast("Any", mount))
        if resort is not None:  # a thread of the application's may hold the interpreter up
            resort.within(max(config.grace, 1.0), "the server has ended")
    except _SENTENCES as error:
        raise _ended([error]) from None
    except BaseExceptionGroup as group:
        ours, others = group.split(_SENTENCES)
        if ours is None or others is not None:
            raise
        # Not within `except*`: what is raised there leaves in a group, and as thirty lines (Python 3.11).
        raise _ended(list(leaves(ours))) from None


def _ended(found: list[Any]) -> click.ClickException:
    """The command's end: what was asked is wrong, or cannot be had now."""
    text = "; ".join(map(str, found))
    wrong = all(isinstance(error, errors.UsageError) for error in found)
    return Wrong(text) if wrong else click.ClickException(text)
