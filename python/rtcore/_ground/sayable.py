"""Text that may be said to a peer: it can be encoded, whoever made it.

A server and a client's program both say what an application gives; this loads nothing further.
"""

from __future__ import annotations


def sayable(text: object) -> str:
    """A text for people as it can be encoded: a half of a surrogate pair becomes U+FFFD."""
    said = text if type(text) is str else _str_of(text)
    try:
        said.encode()
    except UnicodeEncodeError:
        said = said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return said


def _str_of(value: object) -> str:
    try:
        return str.__str__(value) if isinstance(value, str) else str(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - what an application made may break everything that looks at it
        return f"a text that cannot be shown, of type {type(value).__name__}"
