"""What is said of data that does not fit its type."""

from __future__ import annotations

from typing import Final

from rtcore._data.faults import MAX_FAULTS, faults
from rtcore._data.values import Decoder, encode

INVALID: Final = "INVALID_MESSAGE"


def invalid(
    decoder: Decoder, what: str, form: int, data: bytes, error: Exception
) -> tuple[str, str, bytes | None]:
    """Code, text and details of the error ack for data that does not fit its type."""
    found = faults(decoder.type, form, data, error)
    first = found[0]
    more = f" ({_count(len(found))})" if len(found) > 1 else ""
    text = f"the data of {what} is not as it should be: {first['path']}: {first['message']}{more}"
    return INVALID, text, encode(found)


def _count(found: int) -> str:
    return f"{found} faults in all" if found < MAX_FAULTS else f"the first {found} faults are told"
