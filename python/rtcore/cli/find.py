"""Finding what a command is to serve: `module:name`, seen from the current directory."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import click

from rtcore._ground import near
from rtcore.errors import UsageError

from .wrong import Wrong


def find(what: str, kind: str) -> Any:
    """The object that `module:name` names; `kind` says what it is wanted for.

    What cannot be found ends the command with a sentence; what the module itself raises, with its traceback.
    """
    module_name, colon, path = what.partition(":")
    if not colon or not module_name or not path:
        hint = f"; did you mean {module_name.removesuffix('.py')}:app?" if module_name else ""
        raise Wrong(f"{what!r} does not name {kind}: write it as module:name{hint}")
    if module_name.endswith(".py") or "/" in module_name:
        module = module_name.removesuffix(".py").replace("/", ".")
        raise Wrong(f"{module_name!r} is a file; name the module: {module}:{path}")
    found: Any = _module(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            raise Wrong(f"there is no {name!r} in {module_name}{near.hint(name, dir(found), '')}")
        found = getattr(found, name)
    return found


def _module(name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise Wrong(f"there is no module {name!r}, seen from {here}") from None
        _fail(name)
    except Exception:  # noqa: BLE001 - whatever it is, its author is shown it
        _fail(name)


def _fail(name: str) -> None:
    """The module itself is at fault: its author wants the traceback, from its first line on.

    Where it uses rtcore wrongly, the error has said all of it but where: that is said before it.
    """
    kind, error, trace = sys.exc_info()
    from rtcore.app import App  # who watches files needs none of it
    from rtcore.router import Router

    if isinstance(error, AttributeError) and isinstance(error.obj, App | Router):
        if place := _written_at(trace):
            raise Wrong(f"{place}: {_no_such(error.obj, error.name)}")
    elif isinstance(error, UsageError) and (place := _written_at(trace)):
        raise Wrong(f"{place}: {error}")
    while trace is not None and (
        "importlib" in trace.tb_frame.f_code.co_filename or trace.tb_frame.f_code.co_filename == __file__
    ):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(kind, error, trace)).rstrip()
    raise click.ClickException(f"the module {name!r} cannot be imported:\n{text}")


_ELSEWHERE: Final = {
    "event": 'write `@app.on("event")`',
    "include_router": "write `app.include(router)`",
    "add_middleware": "write `@app.middleware`",
    "exception_handler": "write `@app.on_error(SomeError)`",
    "add_exception_handler": "write `@app.on_error(SomeError)`",
    "on_event": "write `@app.lifespan`",
    "dependency_overrides": "write `app.override(dependency, instead)`",
    "emit": 'write `app.room("name").publish(event, data)`, or `app.all`, `app.user(id)`, `session.send`',
    "publish": 'write `app.room("name").publish(event, data)`, or `app.all.publish`',
    "broadcast": "write `app.all.publish(event, data)`",
    "enter_room": 'write `app.room("name").add(session)`',
    "leave_room": 'write `app.room("name").remove(session)`',
    **dict.fromkeys(
        ("get", "post", "put", "delete", "patch", "route", "mount", "api_route"),
        "HTTP routes are those of an ASGI application beside it: `--mount web:site`",
    ),
}
"""What people write who come from elsewhere, and what it is here."""


def _no_such(owner: object, name: str | None) -> str:
    """What is said of a word that an `App` or a `Router` has not."""
    kind = type(owner).__name__
    name = name or ""
    if name in _ELSEWHERE:
        return f"an rtcore.{kind} has no {name!r}: {_ELSEWHERE[name]}"
    there = [one for one in dir(owner) if not one.startswith("_")]
    return f"an rtcore.{kind} has no {name!r}" + near.hint(name, there, f"; there are {', '.join(there)}")


def _written_at(trace: TracebackType | None) -> str | None:
    """File and line of the last call that is not rtcore's own or the interpreter's."""
    ours = Path(__file__).parents[1]
    found = None
    for frame, line in traceback.walk_tb(trace):
        path = Path(frame.f_code.co_filename)
        if not path.is_relative_to(ours) and not frame.f_code.co_filename.startswith("<"):
            found = (path, line)
        elif found is not None and path.is_relative_to(ours):
            break
    if found is None:
        return None
    path, line = found
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{line}"
