"""One request and its answer over ASGI: the body within its bounds, the answer in one piece."""

from __future__ import annotations

import codecs
from typing import Any

import msgspec
import trio

from rtcore._ground.asgi import Receive, Scope, Send
from rtcore._ground.peer import Inflated, accepted_coding, body_coding, compress, inflate

from .faults import Fault, Headers
from .messages import Problem


class ClientGone(Exception):  # noqa: N818 - what happened
    """The client left before its body was whole: nobody waits for an answer."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The value of a header; None when there is none, or more than one."""
    found = [value for known, value in scope["headers"] if known == name]
    return found[0] if len(found) == 1 else None


def no_query(scope: Scope) -> None:
    """Refuse a query: all that an operation takes stands in its body."""
    query = bytes(scope.get("query_string", b"")).decode("latin-1")
    if query:
        name = query.partition("&")[0].partition("=")[0]
        raise Fault(
            "INVALID_MESSAGE", f"the URL has a query, {name!r}: what is asked for stands in the body, as JSON"
        )


async def read_body(scope: Scope, receive: Receive, most: int, seconds: float) -> bytes:
    """The body, of at most so many bytes, within so many seconds: one that drips holds its place no longer.

    One that says it is longer is not read at all.

    Raises:
        Fault: it is too long, also when it is inflated, broken, in another coding, or does not come in time.
        ClientGone: the client left.

    """
    try:
        coding = body_coding([value for name, value in scope["headers"] if name == b"content-encoding"])
    except ValueError as error:
        takes = ((b"accept-encoding", b"zstd, br, gzip"),)
        raise Fault("INVALID_MESSAGE", str(error), headers=takes, status=415) from None
    announced = header(scope, b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > most:
        raise _too_long(int(announced), most)
    parts: list[bytes] = []
    length = 0
    with trio.move_on_after(seconds):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            part = message.get("body", b"")
            length += len(part)
            if length > most:
                raise _too_long(length, most)
            parts.append(part)
            if not message.get("more_body", False):
                # RFC 8259 §8.1: some programs write a byte-order mark, which may be passed over.
                return _plain(coding, b"".join(parts), most).removeprefix(codecs.BOM_UTF8)
    raise Fault("TIMEOUT", f"after {seconds:g} s {length} bytes of the body had come", retry=True, status=408)


def _plain(coding: str | None, body: bytes, most: int) -> bytes:
    if coding is None or not body:
        return body
    try:
        return inflate(coding, body, most)
    except Inflated as error:
        raise Fault("TOO_LARGE", str(error)) from None
    except ValueError as error:
        raise Fault("INVALID_MESSAGE", str(error)) from None


def _too_long(length: int, most: int) -> Fault:
    return Fault("TOO_LARGE", f"the body has {length} bytes or more, and may have {most} (max_message)")


async def answer(
    scope: Scope,
    send: Send,
    status: int,
    body: Any,
    headers: Headers = (),
    *,
    compress_from: int | None = None,
) -> None:
    """Answer with a value as JSON, compressed from so many bytes on where the client takes that; None: never.

    What is said here is nobody else's, and is kept nowhere.
    """
    text = msgspec.json.encode(body)
    if compress_from is not None and len(text) >= compress_from:
        accepts = [value for name, value in scope["headers"] if name == b"accept-encoding"]
        coding = accepted_coding(accepts) if accepts else None
        if coding is not None and len(packed := compress(coding, text)) <= len(text) * 9 // 10:
            text = packed
            headers = (*headers, (b"content-encoding", coding.encode()), (b"vary", b"accept-encoding"))
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(text)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text})


def problem(fault: Fault) -> Problem:
    """A fault as it is told."""
    return Problem(fault.code, fault.message, fault.details, fault.retry)
