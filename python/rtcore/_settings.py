"""What may be set, how each value is read, and what it means: one table for file, flags and help.

Values come in as TOML types from a file, and as text from the environment and the command line; both ways end
in the same value. Times may carry a unit ("25 s", "200 ms", "2 min", "1 h"), and so may sizes ("64 KiB",
"1 MiB", "10 kB"); a plain number is in the setting's own unit.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from . import errors
from ._engine import LIMITS
from .api.keys import read_keys

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
_QUANTITY = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([a-zA-Zµ]*)\s*")
_LEVELS = ("debug", "info", "warning", "error", "critical")
_FORMATS = ("text", "json")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
# The core keeps settings in 64 bits, of which a signed number is enough for anybody.
_MOST = 2**63 - 1


class Setting(NamedTuple):
    """One thing that may be set."""

    name: str
    default: object
    read: Callable[[object], object]
    help: str
    secret: bool = False  # no error says what was given


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text that is not empty")
    return value


def _path(value: object) -> str:
    return str(Path(_text(value)).expanduser())


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) and part for part in value):
        raise ValueError('a list of texts, such as ["a", "b"] in a file or "a,b" elsewhere')
    return tuple(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else None
    if word not in _TRUE + _FALSE:
        raise ValueError("true or false")
    return word in _TRUE


def _port(value: object) -> int:
    number = _number(value)
    if not 0 <= number <= 65535:
        raise ValueError("a port from 0 to 65535 (0: any free one)")
    return number


def _choice(words: tuple[str, ...]) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in words:
            raise ValueError("one of " + ", ".join(words))
        return word

    return read


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"\s*[0-9][0-9_]*\s*", value):
        number = int(value.replace("_", ""))
    else:
        raise ValueError("a whole number")
    if not 0 <= number <= _MOST:
        raise ValueError(f"a whole number from 0 to {_MOST}")
    return number


def _quantity(value: object, units: dict[str, float] | dict[str, int], own: float, example: str) -> int:
    """`value` in units of `own`, as a whole number."""
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if found is None or not found[2]:
        try:
            return _number(value)
        except ValueError as error:
            raise ValueError(f'{error}, or a text with a unit such as "{example}"') from None
    unit = units.get(found[2]) or units.get(found[2].lower())
    if unit is None:
        raise ValueError(f'a text with a unit such as "{example}"; the units are {", ".join(units)}')
    amount = float(found[1].replace("_", "")) * unit / own
    if not amount.is_integer() and not math.isclose(amount, round(amount), rel_tol=1e-9):
        raise ValueError(f"no fraction of the smallest unit, and this is {amount:g} of it")
    return _number(round(amount))


def _time(own: float, example: str) -> Callable[[object], int]:
    return lambda value: _quantity(value, _TIMES, own, example)


def _size(value: object) -> int:
    return _quantity(value, _SIZES, 1, "64 KiB")


SETTINGS: tuple[Setting, ...] = (
    Setting("host", ("127.0.0.1",), _texts, "addresses to listen on; 0.0.0.0 and :: are all of them"),
    Setting("port", 8000, _port, "port to listen on; 0 takes any free one"),
    Setting("mount", None, _text, "ASGI application for everything that is not rtcore's own, as module:name"),
    Setting(
        "origins", (), _texts, "origins of other sites whose pages may connect, such as https://app.example"
    ),
    Setting(
        "hosts",
        (),
        _texts,
        "names that `Host` may have beside the loopback ones, while listening on loopback",
    ),
    Setting(
        "proxies", (), _texts, "networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8"
    ),
    Setting("certificate", None, _path, "PEM file with the certificate chain: serve https and wss"),
    Setting("key", None, _path, "PEM file with the certificate's private key, if it is not in the same file"),
    Setting("log_level", "info", _choice(_LEVELS), "least important level that is logged"),
    Setting("log_format", "text", _choice(_FORMATS), "text for people, json for programs: one object a line"),
    Setting("access_log", False, _flag, "log each HTTP request that is not rtcore's own"),
    Setting("metrics", True, _flag, "answer /metrics, in Prometheus' text format"),
    Setting(
        "token_in_url", False, _flag, "take a token in the URL (?token=), where logs and histories see it"
    ),
    Setting("demo", False, _flag, "serve the demonstration page at /"),
    Setting(
        "api_keys",
        (),
        read_keys,
        "keys with which other servers may use the publish API; none: there is no such API",
        secret=True,
    ),
    Setting(
        "http_connections", 1000, _number, "HTTP requests that may be open at a time, beside rtcore's own"
    ),
    Setting(
        "linger",
        50,
        _time(1e-6, "50 us"),
        "how long a turn waits for more before it looks at Trio again (us)",
    ),
)


def _limit(name: str, default: int, about: str) -> Setting:
    read: Callable[[object], object] = _number
    if name.endswith("_ms"):
        read = _time(1e-3, "25 s")
    elif "bytes" in about.lower():
        read = _size
    return Setting(name, default, read, " ".join(about.split()))


LIMIT_SETTINGS: tuple[Setting, ...] = tuple(_limit(*row) for row in LIMITS)
BY_NAME = {setting.name: setting for setting in SETTINGS}
LIMIT_BY_NAME = {setting.name: setting for setting in LIMIT_SETTINGS}


def find(name: str, known: dict[str, Setting], what: str, source: str) -> Setting:
    """The setting of that name; `ConfigError` names the nearest known one."""
    if name in known:
        return known[name]
    raise errors.ConfigError(f"{source}: there is no {what} {name!r}{nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest of the `known` names."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(sorted(known))}"


def read(setting: Setting, value: object, source: str) -> object:
    """The value as the setting has it; `ConfigError` says what was wanted and what was found."""
    try:
        return setting.read(value)
    except ValueError as error:
        given = "what cannot be used" if setting.secret else repr(value)
        raise errors.ConfigError(f"{source}: {setting.name} is {given}, and must be {error}") from None
