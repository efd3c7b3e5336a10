"""What an answer that is no connection says: rtcore's own refusals are JSON with a code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from .link import Refused


def refusal(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Refused:
    """The error of an HTTP answer. `code` is None where no rtcore server speaks."""
    code: str | None = None
    message = ""
    try:
        said: Any = msgspec.json.decode(body)
        if isinstance(said, dict) and isinstance(said.get("code"), str):
            code, message = said["code"], str(said.get("message") or "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return Refused(status, code, message, retry_after(headers))


def retry_after(headers: Mapping[bytes, bytes]) -> float | None:
    """The seconds of `Retry-After`; None: there is none, or it is a date."""
    for name, value in headers.items():
        if name.lower() == b"retry-after":
            try:
                seconds = float(value)
            except ValueError:
                return None
            return seconds if math.isfinite(seconds) and seconds >= 0 else None
    return None
