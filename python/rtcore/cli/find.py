"""Finding what a command is to serve: `module:name`, seen from the current directory."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

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
    if isinstance(error, UsageError) and (place := _written_at(trace)):
        raise Wrong(f"{place}: {error}")
    while trace is not None and (
        "importlib" in trace.tb_frame.f_code.co_filename or trace.tb_frame.f_code.co_filename == __file__
    ):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(kind, error, trace)).rstrip()
    raise click.ClickException(f"the module {name!r} cannot be imported:\n{text}")


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
