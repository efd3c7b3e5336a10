"""How registrations are called: a misspelt option is told as every other wrong registration is.

Python's own answer is a TypeError without the word that was meant, and a command shows its whole traceback.
Only what is called before the serving is looked after: a wrapper costs nothing there.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any, Final, TypeVar

from rtcore._ground import near
from rtcore.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_BY_NAME: Final = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_PLACE: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def spelt(kind: type[T]) -> type[T]:
    """Decorator of a class: its public methods refuse what they do not take with a `UsageError`."""
    for name, function in list(vars(kind).items()):
        if isinstance(function, FunctionType) and not name.startswith("_"):
            setattr(kind, name, told(f"app.{name}")(function))
    return kind


def spelt_when_made(kind: type[T]) -> type[T]:
    """Decorator of a class: so is what it is made with."""
    made: Any = vars(kind)["__init__"]
    setattr(kind, "__init__", told(f"rtcore.{kind.__name__}")(made))  # noqa: B010 - type checkers refuse it
    return kind


def caller_of(frame: FrameType) -> FrameType:
    """The frame, or the one above if it is a wrapper of this module."""
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return frame


def told(what: str) -> Callable[[F], F]:
    """Decorator of one method, which people know as `what`."""

    def around(function: F) -> F:
        @functools.wraps(function)
        def called(*given: Any, **named: Any) -> Any:
            try:
                return function(*given, **named)
            except TypeError as error:
                if (wrong := _wrong(function, what, given, named)) is None:
                    raise
                raise UsageError(wrong) from error

        return called  # type: ignore[return-value]

    return around


def no_option(what: str, word: str, options: list[str]) -> str:
    """What is said of a word that is no option, with the near one or all there are."""
    there = f"there are {', '.join(options)}" if options else "it takes none by name"
    return f"`{what}` has no option {word!r}" + near.hint(word, options, f"; {there}")


def _wrong(
    function: Callable[..., Any], what: str, given: tuple[Any, ...], named: dict[str, Any]
) -> str | None:
    """What is wrong with this call; None: it may be called so, and the error came from within."""
    signature = inspect.signature(function)
    takes = {name: one for name, one in signature.parameters.items() if name != "self"}
    options = [name for name, one in takes.items() if one.kind in _BY_NAME]
    for word in named:
        if word not in options:
            return no_option(what, word, options)
    try:
        signature.bind(*given, **named)
    except TypeError:
        places = [name for name, one in takes.items() if one.kind in _BY_PLACE]
        needed = [
            name
            for name, one in takes.items()
            if one.default is inspect.Parameter.empty and one.kind in _BY_NAME + _BY_PLACE
        ]
        missing = [name for at, name in enumerate(needed) if at >= len(given) - 1 and name not in named]
        if missing == ["function"] and what.startswith("app."):
            return (
                f"`@{what}()` has nothing to take: write `@{what}`, without parentheses, above the function"
            )
        if missing:
            return f"`{what}` is not told {' and '.join(missing)}"
        last = f", and the rest by name, as `{options[-1]}=...`" if len(options) > len(places) else ""
        return (
            f"`{what}` takes {', '.join(places) or 'nothing'} by place{last}; "
            f"{len(given) - 1} are given by place"
        )
    return None
