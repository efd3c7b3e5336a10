"""API keys: which there are, what each may, and whose one is.

A key is kept as its SHA-256 digest alone, so that no log, no traceback and no `rtcore config` can show one.
What comes is digested too, and compared with every key in constant time: how long the answer takes says
neither how much of a key was right nor which it was close to.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from rtcore._ground.patterns import matches

WATCH: Final = "watch"
"""To read what is measured, and who is here: `/rt/api/stats` and its like, and the console."""
OPERATIONS: Final = ("publish", "send", "history", "presence", "disconnect", WATCH)
SHORT: Final = 20
"""A key with fewer characters is warned of: it might be guessed."""

# RFC 6750 §2.1: what can stand behind `Bearer` in a head.
_KEY: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")
_FIELDS: Final = ("key", "name", "rooms", "operations", "rate", "burst")


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key without the key. `rate` is requests a second (None: as many as it likes), `burst` at once."""

    digest: bytes
    name: str
    short: bool = False
    rooms: tuple[str, ...] = ("*",)
    operations: tuple[str, ...] = OPERATIONS
    rate: float | None = None
    burst: int = 0

    def may(self, operation: str, room: str) -> bool:
        """Whether it may do this in that room; `$user/ID`, `$session/ID` and `$all` are such names too."""
        return operation in self.operations and any(matches(pattern, room) for pattern in self.rooms)

    def shown(self) -> dict[str, Any]:
        """What people may see of it."""
        about: dict[str, Any] = {"name": self.name, "key": "(hidden)"}
        about |= {"rooms": list(self.rooms), "operations": list(self.operations)}
        return about if self.rate is None else {**about, "rate": self.rate, "burst": self.burst}

    def __repr__(self) -> str:
        return f"<ApiKey {self.name!r}>"


def digest(key: bytes) -> bytes:
    """What is kept of a key, and compared."""
    return hashlib.sha256(key).digest()


def find(keys: Iterable[ApiKey], given: bytes) -> ApiKey | None:
    """Which key this is. Every one is looked at, whichever it is."""
    seen, found = digest(given), None
    for key in keys:
        if hmac.compare_digest(key.digest, seen):
            found = key
    return found


def read_keys(value: object) -> tuple[ApiKey, ...]:
    """Keys as they are written: texts, or tables with a key and what it may.

    Raises:
        ValueError: one of them cannot be; the text says what is wanted, and not what was found.

    """
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()] or None
    if not isinstance(value, (list, tuple)):
        text = f"a list of keys, or of tables with {', '.join(_FIELDS)}"
        raise ValueError(text)  # noqa: TRY004 - as every setting has it
    keys: list[ApiKey] = []
    for number, each in enumerate(value, 1):
        key = each if isinstance(each, ApiKey) else _read(each, number)
        if any(other.digest == key.digest or other.name == key.name for other in keys):
            raise ValueError(f"keys that differ, with names that differ: number {number} is there already")
        keys.append(key)
    return tuple(keys)


def _read(given: object, number: int) -> ApiKey:
    where = f"in number {number}"
    table: Mapping[Any, Any] = given if isinstance(given, Mapping) else {"key": given}
    for field in table:
        if field not in _FIELDS:
            raise ValueError(f"tables with {', '.join(_FIELDS)} and nothing else: {where} there is {field!r}")
    key = table.get("key")
    if not isinstance(key, str) or _KEY.match(key) is None:
        raise ValueError(f"keys of letters, digits and any of - . _ ~ + / (= at the end), and not so {where}")
    name = table.get("name", f"key {number}")
    if not isinstance(name, str) or not name:
        raise ValueError(f"keys whose name is a text, and not so {where}")
    rooms = _words(table.get("rooms", ("*",)), f"rooms {where}")
    everywhere = "*" in rooms
    all_of_it = tuple(word for word in OPERATIONS if everywhere or word != WATCH)
    operations = _words(table.get("operations", all_of_it), f"operations {where}")
    for operation in operations:
        if operation not in OPERATIONS:
            raise ValueError(f"keys whose operations are of {', '.join(OPERATIONS)}; {where}: {operation!r}")
    if WATCH in operations and not everywhere:
        raise ValueError(
            f"keys that may {WATCH} everywhere, since they see what is said in every room: {where} leave out "
            f"`rooms`, or {WATCH!r}"
        )
    rate, burst = table.get("rate"), table.get("burst")
    if rate is not None and not (_is_number(rate) and 0 < rate < math.inf):
        raise ValueError(f"keys whose rate is a number of requests a second above 0, and not so {where}")
    if burst is not None and not (isinstance(burst, int) and _is_number(burst) and burst > 0):
        raise ValueError(f"keys whose burst is a whole number above 0, and not so {where}")
    if burst is not None and rate is None:
        raise ValueError(f"keys whose burst has a rate beside it, and not so {where}")
    return ApiKey(
        digest=digest(key.encode()),
        name=name,
        short=len(key) < SHORT,
        rooms=rooms,
        operations=operations,
        rate=None if rate is None else float(rate),
        burst=burst or (0 if rate is None else math.ceil(rate)),
    )


def _words(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(word, str) and word for word in value):
        raise ValueError(f"keys in which {what} are a list of texts")
    return tuple(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
