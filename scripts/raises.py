"""What each public name raises, from the docstrings: a page of the reference, and what the tests try."""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Iterator
from typing import Any

import trio

import rtcore
from rtcore import client

HEAD = """\
# What raises what

<!-- Written by `make docs` from the docstrings. Do not edit. -->

Every public name of `rtcore` and what it raises on purpose. A name that is not here raises nothing of its
own. A value of another type than its annotation says is a `TypeError`. `Refuse` is for the application to
raise. Errors are sorted by what the catcher [will do](../guide/events.md#errors).

| name | raises | when |
|---|---|---|
"""

_ENTRY = re.compile(r"(?:^|(?<=[.:] ))((?:[\w.]+)(?:, [\w.]+)*): ")


def public() -> Iterator[tuple[str, Any]]:
    """Each public name: functions, classes, and what their instances have."""
    for name in rtcore.__all__:
        thing = getattr(rtcore, name)
        if not inspect.isclass(thing) and not inspect.isfunction(thing):
            continue
        yield name, thing
        if inspect.isclass(thing) and not issubclass(thing, BaseException):
            for member in sorted(vars_of(thing)):
                if not member.startswith("_") or member in ("__anext__", "__call__"):
                    yield f"{name}.{member}", inspect.getattr_static(thing, member)


def vars_of(kind: type) -> set[str]:
    """The names that a class of this package defines, what it has from parts of itself included."""
    return {name for one in kind.__mro__ if one.__module__.startswith("rtcore") for name in vars(one)}


def raises() -> dict[str, dict[str, str]]:
    """By name: each error and when it is raised."""
    return {name: found for name, thing in public() if (found := of(inspect.getdoc(thing) or ""))}


def of(docs: str) -> dict[str, str]:
    """The section `Raises:` of a docstring."""
    _, _, block = docs.partition("\nRaises:\n")
    block = block.split("\n\n", 1)[0]
    text = " ".join(line.strip() for line in block.splitlines())
    found: dict[str, str] = {}
    pieces = _ENTRY.split(text)
    for names, when in zip(pieces[1::2], pieces[2::2], strict=True):
        for name in names.split(", "):
            if not is_error(name):
                raise ValueError(f"{name!r} in {text!r} is no error")
            found[name] = when.strip().rstrip(".")
    return found


def is_error(name: str) -> bool:
    """Whether there is an error of this name."""
    home, _, own = name.rpartition(".")
    where: list[Any] = [trio] if home == "trio" else [rtcore, builtins, client]
    return any(inspect.isclass(getattr(place, own, None)) for place in where)


def page() -> str:
    """The page, as it should be."""
    rows = []
    for name, errors in sorted(raises().items(), key=lambda row: row[0].lower()):
        for error, when in errors.items():
            rows.append(f"| `{name}` | `{error}` | {when.replace('|', chr(92) + '|')} |\n")
    return HEAD + "".join(rows)
