"""What an application registers is looked at when it is registered: what cannot be is refused at once.

A decorator that is used the wrong way and says nothing is worst where it decides: `@app.authorize` without
parentheses registered nobody, and everybody might join.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from rtcore._ground.numbers import FIXED
from rtcore.errors import UsageError

LONGEST: Final = FIXED["OWN_NAME"]
"""Bytes of a name of an event, a room or a stream, as the wire has it."""


def name_of(function: Callable[..., Any]) -> str:
    """A function's name for logs and errors."""
    return getattr(function, "__qualname__", None) or repr(function)


def place_of(function: Callable[..., Any]) -> str | None:
    """File and line of a function, the file as it is seen from here; None: it has none."""
    called: Any = inspect.unwrap(function)
    while isinstance(called, functools.partial):
        called = inspect.unwrap(called.func)
    code = getattr(called, "__code__", None)
    if code is None:
        return None
    path = Path(code.co_filename)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{code.co_firstlineno}"


def no_function(value: Any) -> str | None:
    """What somebody has who gives what cannot be called, and what is to be written; None: it can be."""
    if inspect.iscoroutine(value) or inspect.isasyncgen(value) or inspect.isgenerator(value):
        called = value.__name__
        if inspect.iscoroutine(value):
            value.close()  # nobody will await it, and Python would say so
        return f"{called}() was called already: write `{called}`, the function itself"
    if isinstance(value, classmethod | property):
        kind = type(value).__name__
        return f"a {kind} is none yet: register it when the class is made, as `...(TheClass.name)`"
    return None if callable(value) else f"{value!r} is no function"


def checked_text(value: object, what: str, example: str) -> str:
    """A text that is given to a decorator, and no function that it was put on without parentheses.

    Raises:
        UsageError: it is none.

    """
    if isinstance(value, str):
        return value
    if callable(value):
        raise UsageError(f"`{what}` stands without parentheses above {name_of(value)}: write `{example}`")
    raise UsageError(f"`{what}` is given a text, as in `{example}`, and not {value!r}")


def checked_name(value: object, what: str, example: str) -> str:
    """The same for a name that peers say, or a pattern of such names.

    Raises:
        UsageError: no peer can say it.

    """
    text = checked_text(value, what, example)
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise UsageError(f"`{what}` is given {text!r}, in which a surrogate stands alone") from None
    if not 1 <= length <= LONGEST:
        raise UsageError(f"`{what}` is given a name of 1 to {LONGEST} bytes, and {text[:40]!r} has {length}")
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
        raise UsageError(f"`{what}` is given {text!r}, and a name has no control characters")
    return text


def checked_event(value: object, what: str, example: str) -> str:
    """The same for the name of an event or a stream, which is no pattern.

    Raises:
        UsageError: no peer can say it, it is one of rtcore's own, or it looks like a pattern.

    """
    name = checked_name(value, what, example)
    if name.startswith("$"):
        raise UsageError(f"names of events that begin with `$` are rtcore's own, as {name!r}")
    if "*" in name:
        raise UsageError(
            f"`{what}` is given {name!r}, and events and streams have whole names: `*` is for rooms. What "
            "surrounds them all is `@app.middleware`"
        )
    return name


def checked_whole(value: object, what: str, least: int = 0) -> int:
    """A whole number from `least` on.

    Raises:
        UsageError: it is none.

    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"{what} is a whole number from {least}, and not {value!r}")
    return value


def checked_seconds(value: object, what: str, most: float = 1e12) -> float:
    """A number of seconds from 0; at most some 30,000 years, beyond which sums of times are no times.

    Raises:
        UsageError: it is none.

    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise UsageError(f"{what} is a number of seconds from 0 to {most:g}, and not {value!r}")
    return value


def checked_flag(value: object, what: str) -> bool:
    """True or False.

    Raises:
        UsageError: it is neither.

    """
    if not isinstance(value, bool):
        raise UsageError(f"{what} is True or False, and not {value!r}")
    return value


def checked_once(function: Callable[..., Any], known: Iterable[Callable[..., Any]], what: str) -> None:
    """Nothing is called twice for the same.

    Raises:
        UsageError: it is registered already.

    """
    if any(function == one for one in known):
        raise UsageError(f"{name_of(function)} is registered with `{what}` already")
