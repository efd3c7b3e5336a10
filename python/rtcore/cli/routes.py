"""`rtcore routes`: what an application answers to, with its types, and where that stands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from rtcore._app.hooks import place_of
from rtcore._app.registry import Registry, registered

from .application import application
from .words import shown

_EPILOG = """\b
Examples:
  rtcore routes myapp:app
  rtcore routes myapp:app --json | jq '.[] | select(.kind == "event")'
"""


class Route(msgspec.Struct):
    """One line: what kind of thing, the name that peers say, the types, and the function with its place."""

    kind: str
    name: str
    takes: str | None
    gives: str | None
    function: str | None
    place: str | None


@click.command(epilog=_EPILOG)
@click.argument("app", metavar="MODULE:APP")
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for programs.")
def routes(app: str, as_json: bool) -> None:
    """Show what an application answers to: events, streams, rooms, raw paths, decisions."""
    found = list(_routes(registered(application(app))))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    if not found:
        click.echo("nothing is registered: no events, no rooms, no streams, no raw paths")
        return
    rows = [(one.kind, shown(one.name), _types(one), one.place or "") for one in found]
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        click.echo("  ".join([*cells, row[3]]).rstrip())


def _types(route: Route) -> str:
    arrow = f" -> {route.gives}" if route.gives else ""
    return f"{route.takes or ''}{arrow}".strip()


def _routes(of: Registry) -> Iterator[Route]:
    if of.authenticator is not None:
        yield _route("authenticate", "", of.authenticator.function)
    for handler in of.handlers:
        takes = None if handler.bare else _type(handler.decoder.type)
        yield _route("event", handler.name, handler.function, takes, _result(handler.function))
    for stream in of.stream_handlers:
        takes = None if stream.bare else _type(stream.decoder.type)
        kind = "stream up" if stream.up else "stream"
        yield _route(kind, stream.name, stream.function, takes, _result(stream.function))
    for pattern, plan in of.room_plans.items():
        words = [
            *(["relay"] if plan.relay else []),
            *([f"publish={','.join(msgspec.json.decode(plan.sayable))}"] if plan.sayable else []),
            *([f"durable={plan.durable}"] if plan.durable else []),
            f"history={plan.count}",
            plan.policy,
        ]
        yield Route("rooms", pattern, " ".join(words), None, None, None)
    for pattern, one in of.authorizers.items():
        yield _route("authorize", pattern, one.function)
    for pattern, state in of.states.items():
        yield _route("state", pattern, state.function, None, _result(state.function))
    for name, pattern, hook in of.hooks.of_rooms():
        yield _route(name, pattern, hook.function)
    for raw in of.raw_handlers:
        yield _route("raw", raw.path, raw.function)
    for task in of.background_tasks:
        yield _route("background", "", task.function)


def _route(
    kind: str, name: str, function: Callable[..., Any], takes: str | None = None, gives: str | None = None
) -> Route:
    return Route(kind, name, takes, gives, getattr(function, "__qualname__", None), place_of(function))


def _type(kind: Any) -> str:
    """A type as its author wrote it, without the modules."""
    if isinstance(kind, type) and not hasattr(kind, "__args__"):
        return kind.__name__
    return str(kind).replace("collections.abc.", "").replace("typing.", "")


def _result(function: Callable[..., Any]) -> str | None:
    """The annotation of what a function returns, as it stands."""
    annotation = getattr(inspect.unwrap(function), "__annotations__", {}).get("return")
    if annotation is None:
        return None
    return annotation if isinstance(annotation, str) else _type(annotation)
