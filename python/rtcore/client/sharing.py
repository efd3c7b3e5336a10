"""Shared data, as a program asks a client for it. A part of `Client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .asking import Asking
from .collections.collection import Collection
from .collections.opening import check_out, open_collection, sign_out
from .machine import Machine
from .runner import Runner
from .words import data_of

K = TypeVar("K")


class Sharing:
    """Collections, and what signing out does to them."""

    _machine: Machine
    _runner: Runner
    _asking: Asking
    _stored: bool

    if TYPE_CHECKING:

        async def _end(self, *, bye: bool) -> None: ...

    @overload
    async def collection(
        self,
        name: str,
        kind: type[K],
        *,
        schema: int | None = None,
        data: Any = None,
        wait: bool | None = None,
        timeout: float | None = None,
    ) -> Collection[K]: ...
    @overload
    async def collection(
        self, name: str, *, data: Any = None, wait: bool | None = None, timeout: float | None = None
    ) -> Collection[Any]: ...
    async def collection(
        self,
        name: str,
        kind: Any = Any,
        *,
        schema: int | None = None,
        data: Any = None,
        wait: bool | None = None,
        timeout: float | None = None,
    ) -> Collection[Any]:
        """Open a collection: its documents are here, of this type, and stay as they are everywhere.

        `schema`: the version of the type that this program knows. `data`: for the authorizer. `wait`: until
        all of it is here (`timeout` in seconds); None: unless the client has an outbox, whose file has it
        already.

        Raises:
            Rejected: the application does not let this session in.
            RequestTimeout: it was not here in time.
            ConnectError: the client has ended.

        """
        self._asking.still()
        return await open_collection(
            self._machine,
            self._runner,
            name,
            kind,
            schema=schema,
            data=None if data is None else data_of(data),
            wait=not self._stored if wait is None else wait,
            timeout=timeout,
        )

    async def sign_out(self, *, discard: bool = False) -> None:
        """End the session at the server, and let go of all that the outbox keeps for this user.

        Raises `UnsentChanges` if that would lose anything, unless `discard`; then nothing is done.
        """
        if not discard:
            await check_out(self._machine, self._runner)
        await sign_out(self._machine, self._runner)
        await self._end(bye=True)
