"""Reading a file of settings: TOML, as people's editors leave it."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any, Final

from rtcore import errors
from rtcore._ground.numbers import FIXED

LONGEST: Final = FIXED["CONFIG_FILE"]
"""Longest file of settings (bytes): a thousand times what anybody writes. Beyond it, it is another file."""

# UTF-32 begins as UTF-16 does, so it is looked for first.
_OTHER_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_file(file: Path) -> dict[str, Any]:
    """The table in a file. Paths in it are seen from the file, wherever the server is started.

    Raises `ConfigError`: it cannot be read, is too long, is no UTF-8 or no TOML.
    """
    try:
        table = tomllib.loads(text_of(_bytes_of(file), file))
    except tomllib.TOMLDecodeError as error:
        raise errors.ConfigError(f"{file} is not TOML: {error}") from None
    except ValueError as error:  # a number of thousands of digits
        raise errors.ConfigError(f"{file} cannot be read as TOML: {error}") from None
    except RecursionError:
        raise errors.ConfigError(f"{file} is nested too deep to be read as TOML") from None
    for name in ("certificate", "key"):
        value = table.get(name)
        if isinstance(value, str) and value.strip():
            table[name] = str(file.parent / Path(value).expanduser())
    return table


def text_of(data: bytes, file: Path) -> str:
    """UTF-8, without the mark at its beginning that some editors set.

    Raises `ConfigError` if it is in another encoding.
    """
    for mark, name in _OTHER_MARKS:
        if data.startswith(mark):
            raise errors.ConfigError(f"{file} is {name}, and must be UTF-8: save it in that encoding")
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise errors.ConfigError(
            f"{file} is not UTF-8: line {line} holds the byte 0x{data[error.start]:02x}; "
            "save it in that encoding"
        ) from None


def _bytes_of(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(LONGEST + 1)
    except OSError as error:
        raise errors.ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in the name
        raise errors.ConfigError(f"{str(file)!r} cannot be the name of a file: {error}") from None
    if len(data) > LONGEST:
        raise errors.ConfigError(
            f"{file} is longer than {LONGEST:,} bytes, which no file of settings is: name another"
        )
    return data
