"""What an application may raise, and what it may give, that must cost no more than the one call."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final

import msgspec
import trio

import rtcore

HALF = "no \ud83d such"  # half of a surrogate pair, as `json.loads` of a peer's text gives it


class PanicException(BaseException):
    """As PyO3 makes it of a panic in an extension: no `Exception`."""


class Speechless(Exception):  # noqa: N818
    """Nothing can be said of it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Exiting(Exception):  # noqa: N818
    """Whoever asks for its text ends the program."""

    def __str__(self) -> str:
        raise SystemExit(1)


class Bare(rtcore.Refuse):
    """A refusal of the application's own, which has not called `Refuse.__init__`."""

    def __init__(self, text: str) -> None:
        self.text = text


class Odd(rtcore.Refuse):
    """One whose parts are not what they should be."""

    def __init__(self, **parts: object) -> None:
        super().__init__("ODD", "odd")
        for name, value in parts.items():
            setattr(self, name, value)


class Silent(rtcore.Refuse):
    """One that does not tell its text."""

    @property
    def message(self) -> str:
        raise SystemExit(2)


class Underived(ExceptionGroup[Exception]):
    """A group that cannot be split."""

    def derive(self, excs: Any) -> Any:
        raise LookupError("never")


def cancelled() -> BaseException:
    """A `Cancelled` that Trio has not raised."""
    create: Any = trio.Cancelled._create
    try:
        made = create(source="explicit")
    except TypeError:  # an older Trio
        made = create()
    assert isinstance(made, trio.Cancelled)
    return made


def endless(depth: int = 0) -> int:
    return endless(depth + 1) + 1


def deep() -> BaseException:
    error: BaseException = ValueError("the innermost")
    for _ in range(300):
        outer = ValueError("outer")
        outer.__context__ = error
        error = outer
    return error


# By name: what makes the error, and the code that a peer is told.
RAISED: Final[dict[str, tuple[Callable[[], BaseException], str]]] = {
    "an error": (lambda: ValueError("x"), "INTERNAL"),
    "an error with half a surrogate pair": (lambda: ValueError(HALF), "INTERNAL"),
    "an error with lines of a log in it": (lambda: ValueError("x\n2026 INFO forged\x1b[2J"), "INTERNAL"),
    "a long error": (lambda: ValueError("x" * 200_000), "INTERNAL"),
    "an error without a text": (Speechless, "INTERNAL"),
    "an error whose text exits": (Exiting, "INTERNAL"),
    "an error with a long past": (deep, "INTERNAL"),
    "SystemExit": (lambda: SystemExit(3), "INTERNAL"),
    "GeneratorExit": (GeneratorExit, "INTERNAL"),
    "PanicException": (lambda: PanicException("index out of bounds"), "INTERNAL"),
    "asyncio.CancelledError": (asyncio.CancelledError, "INTERNAL"),
    "trio.Cancelled by hand": (cancelled, "INTERNAL"),
    "StopIteration": (lambda: StopIteration(5), "INTERNAL"),
    "StopAsyncIteration": (StopAsyncIteration, "INTERNAL"),
    "a group": (lambda: ExceptionGroup("g", [ValueError("a"), KeyError("b")]), "INTERNAL"),
    "a group of what is no Exception": (
        lambda: BaseExceptionGroup("g", [ValueError("a"), SystemExit(1)]),
        "INTERNAL",
    ),
    "a group that cannot be split": (lambda: Underived("g", [ValueError("a"), KeyError("b")]), "INTERNAL"),
    "a cancellation by hand in a group": (
        lambda: BaseExceptionGroup("g", [cancelled(), ValueError("a")]),
        "INTERNAL",
    ),
    "a refusal in a group": (lambda: ExceptionGroup("g", [rtcore.Refuse("NO", "no")]), "NO"),
    "MemoryError": (MemoryError, "INTERNAL"),
    "RecursionError": (RecursionError, "INTERNAL"),
    "Denied": (lambda: rtcore.NotFound("nothing"), "INTERNAL"),
    "SessionEnded": (lambda: rtcore.SessionEnded("gone"), "INTERNAL"),
    "WouldBlock": (trio.WouldBlock, "INTERNAL"),
    "ClosedResourceError": (trio.ClosedResourceError, "INTERNAL"),
    "BrokenPipeError": (BrokenPipeError, "INTERNAL"),
    "TooSlowError": (trio.TooSlowError, "INTERNAL"),
    "a refusal": (lambda: rtcore.Refuse("FORBIDDEN", "no"), "FORBIDDEN"),
    "a refusal with half a surrogate pair": (lambda: rtcore.Refuse("FORBIDDEN", HALF), "FORBIDDEN"),
    "a long refusal": (lambda: rtcore.Refuse("FORBIDDEN", "t" * 200_000), "FORBIDDEN"),
    "a refusal without its __init__": (lambda: Bare(HALF), "INTERNAL"),
    "a refusal whose code is None": (lambda: Odd(code=None), "INTERNAL"),
    "a refusal whose code is no word": (lambda: Odd(code=HALF), "INTERNAL"),
    "a refusal whose retry is no bool": (lambda: Odd(retry=[]), "ODD"),
    "a refusal whose text is a number": (lambda: Odd(args=(5,)), "ODD"),
    "a refusal that exits when asked": (lambda: Silent("FORBIDDEN", "no"), "FORBIDDEN"),
    "details that cannot be said": (lambda: rtcore.Refuse("NO", "no", {"a": object()}), "NO"),
    "details with half a surrogate pair": (lambda: rtcore.Refuse("NO", "no", [HALF]), "NO"),
}


def cyclic() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def nested() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


class Exits(msgspec.Struct):
    """A value that ends the program when it is looked at."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise SystemExit(1)


# By name: a value, and whether it can be said.
GIVEN: Final[dict[str, tuple[Callable[[], Any], bool]]] = {
    "half a surrogate pair": (lambda: HALF, False),
    "half a surrogate pair as a key": (lambda: {HALF: 1}, False),
    "half a surrogate pair in a number's class": (lambda: {1: [HALF]}, False),
    "a cycle": (cyclic, False),
    "100,000 lists in each other": (nested, False),
    "an object": (object, False),
    "a function": (lambda: cyclic, False),
    "a number of 5,000 digits": (lambda: 10**5000, False),
    "a key that is a list's": (lambda: {(1, 2): 3}, False),
    "a whole number beyond 64 bits": (lambda: 2**70, True),
    "NaN": (lambda: math.nan, True),
    "an infinity": (lambda: -math.inf, True),
    "a set": (lambda: {1}, True),
    "bytes": (lambda: b"\xff", True),
}
WITHOUT_TEXT: Final = ("an error without a text", "an error whose text exits")
