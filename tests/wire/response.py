"""An answer of the server to a request over HTTP, and how a request's fields are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

import msgspec

from .said import Message


class Response:
    """The answer to the request that asks for the upgrade, or to any other."""

    def __init__(self, raw: bytes) -> None:
        lines = raw.decode("latin-1").split("\r\n")
        self.status = int(re.fullmatch(r"HTTP/1\.[01] (\d{3})(?: .*)?", lines[0]).group(1))  # type: ignore[union-attr]
        self.fields = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
        ]
        self.body = b""

    def get(self, name: str) -> str | None:
        """Return a header field; None if it is not there; an error if it is there twice."""
        found = [value for key, value in self.fields if key == name.lower()]
        assert len(found) < 2, f"{name} was sent {len(found)} times"
        return found[0] if found else None

    def json(self) -> Message:
        """Return the body, which has to be JSON."""
        assert (self.get("content-type") or "").startswith("application/json"), self.fields
        return msgspec.json.decode(self.body, type=dict)

    def refused(self, status: int, code: str) -> Self:
        """Check that this is a refusal with a code and a text for people."""
        assert self.status == status, (self.status, self.body)
        body = self.json()
        assert body["code"] == code, body
        assert isinstance(body["message"], str)
        assert body["message"], body
        return self


def http_fields(fields: Iterable[tuple[str, str]]) -> bytes:
    """Write header fields."""
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in fields)
