"""Opening a connection by the name of its transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from rtcore.client.errors import Forbidden

from . import trio_socket
from .compressing import DEFAULT, Compress
from .dial import dial
from .link import Link, Refused
from .plain import PlainLink
from .target import Target
from .websocket import open_websocket

DEADLINE: Final = 5.0
"""Seconds for the first byte; then the next transport is tried."""
Dial = Callable[[Target], Awaitable[trio.abc.Stream]]


class CannotOpen(OSError):  # noqa: N818 - what happened
    """Not now. `after`: the seconds that the server asked for."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Unreachable(CannotOpen):
    """Nobody took the connection: whichever transport it was for."""


class Opening:
    """How connections to one server are opened."""

    def __init__(
        self,
        target: Target,
        *,
        dial: Dial = dial,
        deadline: float = DEADLINE,
        compress: Compress = DEFAULT,
        packed: bool = False,
    ) -> None:
        self.target = target
        self._dial, self._deadline, self._compress, self._packed = dial, deadline, compress, packed

    async def open(self, transport: str, *, known: bool) -> Link:
        """A link on which hello may be said. `known`: an rtcore server was there before.

        Raises:
            OSError: not now.
            ConnectError: never.

        """
        reached = False

        async def dial(target: Target) -> trio.abc.Stream:
            nonlocal reached
            try:
                stream = await self._dial(target)
            except OSError as error:
                raise Unreachable(str(error)) from error
            reached = True
            return stream

        try:
            with trio.fail_after(self._deadline):
                return await self._open(transport, dial, known=known)
        except trio.TooSlowError:
            kind = CannotOpen if reached else Unreachable
            raise kind(f"no answer of {self.target} within {self._deadline:g} s") from None
        except Refused as error:
            if error.code in ("FORBIDDEN", "FORBIDDEN_ORIGIN"):
                raise Forbidden(f"{self.target} does not let this client in: {error.message}") from None
            raise CannotOpen(f"{self.target} answers {error}", error.after) from None

    async def _open(self, transport: str, dial: Dial, *, known: bool) -> Link:
        if transport == trio_socket.NAME:
            return trio_socket.TrioSocketLink(await dial(self.target), self.target, packed=self._packed)
        if transport != "websocket":
            link = PlainLink(
                self.target,
                dial,
                stream=transport == "sse",
                known=known,
                codings=self._compress.codings,
            )
            await link.open()
            return link
        stream = await dial(self.target)
        try:
            return await open_websocket(
                stream, self.target, compress=self._compress.deflate, packed=self._packed
            )
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
