"""One request of HTTP/1.1 on a connection of its own, for tests that look at an answer and no more."""

from __future__ import annotations

import trio

from tests.patience import PATIENCE


async def once(
    port: int, path: str, *, method: str = "GET", headers: str = "", body: str = ""
) -> tuple[int, str, str]:
    """Status, head (in lower case) and body of the answer. A body goes with its length."""
    if body:
        headers += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
    request = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}"
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(request.encode())
        with trio.fail_after(PATIENCE):
            answer = b"".join([chunk async for chunk in stream])
    head, _, said = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), said
