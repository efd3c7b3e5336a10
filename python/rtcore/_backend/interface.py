"""What a server must be that answers the requests which are not rtcore's own: another may take its place."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import trio


class Peer(NamedTuple):
    """Who is at the other end, as the core knows it (through configured proxies)."""

    address: str
    port: int
    secure: bool = False


class HttpBackend(Protocol):
    """What serves the requests that are not rtcore's own."""

    async def serve(
        self,
        stream: trio.abc.Stream,
        already: bytes,
        peer: Peer,
        task_status: trio.TaskStatus[bytes | None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve the one request whose first bytes are `already`, until the application is done with it.

        `nursery.start` returns when the connection is: at the boundary of a request with what was read
        beyond it, and `stream` is the caller's again; or with None, and it is closed. The application may go
        on after that.

        Raises nothing of the connection's own. Cancelled, it closes the stream at once, if it has it.
        """

    async def drain(self) -> None:
        """The server is going down: say so to WebSockets; requests that are running may end."""

    def abort(self) -> None:
        """End every connection that is left, now; what waits for a client is woken."""

    async def wait_idle(self) -> None:
        """Return when no connection is left."""
