"""`rtcore trace`: one message through each stage, with times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from .asking import PATIENCE, Server, key_option
from .words import duration, shown
from .wrong import Failed, Wrong

_EPILOG = """\b
Examples:
  rtcore trace http://127.0.0.1:8000 --event say --key "$KEY"      the next `say`
  rtcore trace http://127.0.0.1:8000 --event say --times 5 --wait 50
  rtcore trace https://chat.example.org/rt --id 4bf92f3577b34da6a3ce929d0e0e4736
  rtcore trace http://127.0.0.1:8000                               those of the last minutes that had a trace

A message is followed through what its handler says, too. KEY is an API key that may watch, or an operator's
token. It may stand in RTCORE_KEY. The exit status is 1 where none came.
"""


@click.command(epilog=_EPILOG)
@click.argument("url")
@click.option("--event", default="", metavar="NAME", help="Wait for the next message of this event.")
@click.option("--id", "trace_id", default="", metavar="TRACE", help="The messages of this trace.")
@click.option("--times", default=1, show_default=True, type=click.IntRange(1), help="How many of an event.")
@click.option(
    "--wait",
    default=10,
    show_default=True,
    type=click.IntRange(1),
    metavar="SECONDS",
    help="How long for them.",
)
@key_option
@click.option("--json", "as_json", is_flag=True, help="One object a message.")
def trace(url: str, event: str, trace_id: str, times: int, wait: int, key: str, as_json: bool) -> None:
    """Follow a message at the server at URL through each of its stages, with times."""
    if event and trace_id:
        raise Wrong("give --event to wait for a message, or --id for those of a trace, and not both")
    server = Server(url, key)
    if event:
        said = server.ask("trace", "trails", patience=wait + PATIENCE, event=event, times=times, wait=wait)
    else:
        said = server.ask("trace", "trails", id=trace_id)
    for trail in said["trails"]:
        if as_json:
            click.echo(json.dumps(trail))
        else:
            click.echo("\n".join(lines(trail)))
    if not said["trails"]:
        asked = f"no {event!r} came within {wait} s" if event else "no message of the last minutes had it"
        raise Failed(asked if event or trace_id else "no message of the last minutes had a trace")


def lines(trail: dict[str, Any]) -> Iterator[str]:
    """A message as people read it: what it is, each stage with its begin and its length, and the whole."""
    where = f" in {shown(trail['room'])!r}" if trail["room"] else ""
    who = f" by session {trail['session']}" if trail["session"] else " by the application"
    marked = f", trace {trail['trace'][3:35]}" if trail["trace"] else ""
    failed = click.style("  failed", fg="red") if trail["failed"] else ""
    yield click.style(shown(trail["event"]), bold=True) + f"{where}{who}{marked}{failed}"
    yield click.style(f"  {'stage':8} {'of':24} {'after':>9} {'took':>9}", dim=True)
    end = trail["from"]
    for leg in trail["legs"]:
        end = max(end, leg["to"])
        heard = ""
        if leg["heard"] or leg["behind"]:
            heard = f"   to {leg['heard']:,} listeners"
            heard += f", and {leg['behind']:,} are behind" if leg["behind"] else ""
        yield (
            f"  {leg['stage']:8} {shown(leg['of'])[:24]:24} {_ms(leg['from'] - trail['from']):>9} "
            f"{_ms(leg['to'] - leg['from']):>9}{heard}"
        )
    yield f"  {'in all':33} {'':>9} {_ms(end - trail['from']):>9}"


def _ms(ns: int) -> str:
    return duration(ns / 1e6)
