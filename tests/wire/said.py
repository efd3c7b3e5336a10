"""A message of the wire as Python's values, and the shape that each error has."""

from __future__ import annotations

from typing import Any

Message = dict[str, Any]


def fault(error: Message, code: str) -> Message:
    """Check the shape of an error."""
    assert error["code"] == code, error
    assert isinstance(error["message"], str), error
    assert error["message"], error
    assert isinstance(error["retry"], bool), error
    return error
