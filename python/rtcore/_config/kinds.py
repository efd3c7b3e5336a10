"""Kinds of values that may be set, and how each is read.

Values come in as TOML types from a file, and as text from the environment and the command line; both ways end
in the same value. Times may carry a unit ("25 s", "200 ms", "2 min", "1 h"), and so may sizes ("64 KiB",
"1 MiB", "10 kB"); a plain number is in the setting's own unit.

A reader raises `ValueError` with what the value must be: "a port from 0 to 65535".
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rtcore._engine import Core
from rtcore._engine.unusable import fault_of
from rtcore._ground.numbers import FIXED

_TIMES = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_SIZES = {
    "b": 1, "byte": 1, "bytes": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3,
    "kib": 1024, "mib": 1024**2, "gib": 1024**3,
}  # fmt: skip
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_QUANTITY = re.compile(rf"\s*({_DIGITS}(?:\.[0-9]+)?)\s*([a-zA-Zµ]*)\s*")
_WHOLE = re.compile(rf"\s*{_DIGITS}\s*")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
# The core keeps settings in 64 bits, of which a signed number is enough for anybody.
_MOST = 2**63 - 1
_PLACE: Final = FIXED["CONFIG_PLACE"]
"""Longest origin, host or network (characters): a name of DNS has 253, and a scheme and a port beside it."""
_SHOWN: Final = 80
"""How much of a wrong value an error says (characters): enough to find it, and still one line."""


def shown(value: object) -> str:
    """A value as an error says it: on one line, and not all of what is long."""
    try:
        text = repr(value)
    except ValueError:  # more digits than Python writes
        text = "a number of thousands of digits"
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]}… ({len(text):,} characters)"
    # What the terminal cannot show would end the command where it says what is wrong.
    return text.encode("utf-8", "backslashreplace").decode()


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return _plain(value.strip())


def _plain(text: str) -> str:
    """A text that can be said anywhere. What the environment holds in another encoding is none."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("a text in UTF-8, without NUL")
    return text


def path(value: object) -> str:
    if isinstance(value, os.PathLike):  # as programs have it; a name in bytes is refused below
        value = os.fspath(value)
    # A name of a file may be in another encoding, and may begin or end with a space.
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("the name of a file")
    try:
        return str(Path(value).expanduser())
    except RuntimeError:  # ~ of nobody
        return value


def texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part for part in map(str.strip, value.split(",")) if part] or None
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) for part in value):
        raise ValueError('a list of texts, such as ["a", "b"] in a file or "a,b" elsewhere')
    found = tuple(text(part) for part in value)
    for number, part in enumerate(found):
        if part in found[:number]:
            raise ValueError(f"texts that differ, and {shown(part)} is there twice")
    return found


def fields(value: object) -> tuple[str, ...]:
    """A list of header fields in which proxies are believed."""
    found = texts(value)
    if fault := fault_of(Core(bytes(32), manual=True).believe, list(found)):
        raise ValueError(f"a list of header fields: {fault}")
    return found


def places(kind: str) -> Callable[[object], tuple[str, ...]]:
    """A list whose texts the core must be able to read: origins, hosts, networks."""

    def read(value: object) -> tuple[str, ...]:
        found = texts(value)
        for part in found:
            if len(part) > _PLACE:
                raise ValueError(f"a list of texts of at most {_PLACE} characters")
            if fault := fault_of(getattr(Core(bytes(32), manual=True), f"add_{kind}"), part):
                raise ValueError(f"a list of what can be read: {fault}")
        return found

    return read


def addresses(value: object) -> tuple[str, ...]:
    return tuple(map(_address, texts(value)))


def _address(text: str) -> str:
    """An address or a name to listen on, without the brackets that it has in a URL."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if text != bare or any(character in "/:" or character.isspace() for character in text):
            raise ValueError(
                "addresses or names alone, such as 127.0.0.1, ::1 or localhost: no scheme, no port "
                "(the port is a setting of its own)"
            ) from None
    return bare


def flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else None
    if word not in _TRUE + _FALSE:
        raise ValueError("true or false")
    return word in _TRUE


def port(value: object) -> int:
    wanted = "a port from 0 to 65535 (0: any free one)"
    try:
        found = number(value)
    except ValueError as error:
        raise ValueError(f"{error}, {wanted}") from None
    if not 0 <= found <= 65535:
        raise ValueError(wanted)
    return found


def descriptors(value: object) -> tuple[int, ...]:
    """A list of file descriptors: 3 and more, as those before are the standard streams."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)):
        given = [given]
    wanted = "numbers of open descriptors, from 3 on, such as 3"
    try:
        found = tuple(number(each.strip() if isinstance(each, str) else each) for each in given)
    except ValueError:
        raise ValueError(wanted) from None
    if not found or not all(3 <= each < 2**31 for each in found) or len(set(found)) < len(found):
        raise ValueError(f"{wanted}, each once")
    return found


def some_of(words: tuple[str, ...]) -> Callable[[object], tuple[str, ...]]:
    """A list of these words; `none` alone, or an empty one: of none."""

    def read(value: object) -> tuple[str, ...]:
        found = tuple(word.strip().lower() for word in texts(value))
        if found == ("none",):
            return ()
        if not set(found) <= set(words):
            raise ValueError("a list of " + ", ".join(words) + "; or none")
        return found

    return read


def choice(words: tuple[str, ...]) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in words:
            raise ValueError("one of " + ", ".join(words))
        return word

    return read


def number(value: object) -> int:
    """A whole number; one below 0 or too large for 64 bits is for its reader to refuse."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(min(value, _MOST + 1), -1)
    if isinstance(value, str):
        if _WHOLE.fullmatch(value):
            digits = value.replace("_", "").strip().lstrip("0")
            return int(digits or "0") if len(digits) < len(str(_MOST)) + 1 else _MOST + 1
        if value.strip().startswith("-") and _WHOLE.fullmatch(value.strip()[1:]):
            return -1
    raise ValueError("a whole number")


def _quantity(value: object, units: dict[str, float] | dict[str, int], own: float, example: str) -> int:
    """`value` in units of `own`, as a whole number."""
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) and len(value) < _SHOWN else None
    if found is None or not found[2]:
        try:
            return number(value)
        except ValueError as error:
            raise ValueError(f'{error}, or a text with a unit such as "{example}"') from None
    unit = units.get(found[2]) or units.get(found[2].lower())
    if unit is None:
        raise ValueError(f'a text with a unit such as "{example}"; the units are {", ".join(units)}')
    amount = float(found[1].replace("_", "")) * unit / own
    if amount > _MOST:
        return _MOST + 1
    if not amount.is_integer() and not math.isclose(amount, round(amount), rel_tol=1e-9):
        raise ValueError(f"no fraction of the smallest unit, and this is {amount:g} of it")
    return round(amount)


def time(own: float, example: str) -> Callable[[object], int]:
    return lambda value: _quantity(value, _TIMES, own, example)


def size(value: object) -> int:
    return _quantity(value, _SIZES, 1, "64 KiB")


def ranged(read: Callable[[object], int], least: int, most: int, unit: str = "") -> Callable[[object], int]:
    """The same, held within a range; what is wrong says the range, in the setting's own unit."""

    def within(value: object) -> int:
        try:
            found = read(value)
        except ValueError as error:
            raise ValueError(f"{error}; from {least:,} to {most:,}{unit}") from None
        if not least <= found <= most:
            raise ValueError(f"from {least:,} to {most:,}{unit}")
        return found

    return within
