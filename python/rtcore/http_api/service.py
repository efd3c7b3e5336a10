"""The publish API as an ASGI application: path, method, key, rate, body, operation, in that order.

A request is told as little as it may know: without a key nothing is said of rooms or sessions, and nothing
is read of its body. Without any key configured there is no API: 404, as for a path that is not there.

A request carries its key in a header of its own, which no page of another site can add without a preflight,
and none is answered here: so there is nothing to forge, and what `Content-Type` says does not matter. The
body is JSON whatever it says (curl's `-d` calls it a form).
"""

from __future__ import annotations

import logging
from typing import Any, Final

import trio

from rtcore._app.registry import registered
from rtcore._ground.asgi import Receive, Scope, Send
from rtcore._ground.failures import Failures
from rtcore._ground.numbers import API
from rtcore._watch.watch import Watch
from rtcore.app import App
from rtcore.config import Config

from . import exchange, openapi
from .faults import Fault, Headers, of
from .keys import SHORT, WATCH, ApiKey, find
from .operations import OPERATIONS, Caller, cost, read
from .rates import Bucket
from .watching import Watching

PATH: Final = API.encode()
_DESCRIPTION: Final = "openapi.json"
_OPERATORS: Final = "disconnect"
"""What an operator may do without an API key, beside looking."""
log = logging.getLogger("rtcore.api")


class PublishApi:
    """ASGI, for requests under `/rt/api/`."""

    def __init__(self, app: App, config: Config, watch: Watch) -> None:
        self._app = app
        self._keys = config.api_keys
        self._most = config.limit("max_message")
        self._seconds = config.limit("body_ms") / 1000
        self._compress_from = config.limit("compress_from")
        # A room whose policy is `block` holds a publisher for `block_ms`, and again if another is as slow.
        self._patience = 2 * config.limit("block_ms") / 1000
        self._buckets: dict[str, Bucket] = {}
        self._failures = Failures()
        self._watching = Watching(app, watch, self._failures)
        self._has_operator = registered(app).operator is not None
        for key in self._keys:
            if key.short:
                log.warning("the API key %r has fewer than %d characters: it can be guessed", key.name, SHORT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        status = 200
        headers: Headers = ()
        try:
            body = await self._answer(scope, receive)
        except exchange.ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is
            fault = of(error)
            if fault.status == 500:
                text = "the publish API failed at %s"
                self._failures.log(log, "publish API", text, str(scope["path"]), error=error)
            status, body, headers = fault.status, exchange.problem(fault), fault.headers
        # Where a room is not to be compressed, its history stands in an answer, too.
        plans = self._app._registry.room_plans.items()  # noqa: SLF001 - as the server reads them
        least = self._compress_from if all(plan.compress for _, plan in plans) else None
        await exchange.answer(scope, send, status, body, headers, compress_from=least)

    async def _answer(self, scope: Scope, receive: Receive) -> Any:
        # As it came: a path that is written with escapes is another path.
        name = scope.get("raw_path", scope["path"].encode()).removeprefix(PATH).decode("latin-1")
        if not self._keys and not self._has_operator:
            raise Fault("NOT_FOUND", "there is no publish API here: no API key is configured")
        if name in self._watching.operations:
            _only(scope, "GET", "HEAD")
            await self._permit_watching(scope)
            return await self._watching.answer(name, scope)
        if name == _DESCRIPTION:
            _only(scope, "GET", "HEAD")
            return openapi.description()
        operation = OPERATIONS.get(name)
        if operation is None:
            known = ", ".join((*OPERATIONS, *self._watching.operations, _DESCRIPTION))
            raise Fault("NOT_FOUND", f"the publish API has no operation of this name; there are {known}")
        _only(scope, "POST")
        key = await self._key(scope, name)
        exchange.no_query(scope)
        bucket = self._spend(key)
        body = await exchange.read_body(scope, receive, self._most, self._seconds)
        caller = Caller(self._app, key, trio.current_time() + self._patience)
        said = read(operation.reads, body, caller.engine)
        counts = cost(said)
        if bucket is not None:
            bucket.owe(counts - 1)
        return await operation.done(caller, said)

    async def _key(self, scope: Scope, operation: str) -> ApiKey:
        given = _given(scope)
        key = find(self._keys, given)
        if key is None and operation == _OPERATORS:
            operator = await self._watching.operator(given)
            if operator is not None:
                log.info("the operator %s ends a session", operator)
                key = ApiKey(digest=b"", name=f"operator {operator}", operations=(_OPERATORS,))
        if key is None:
            raise _unknown()
        return key

    async def _permit_watching(self, scope: Scope) -> None:
        """An API key may look that may `watch`; and whoever the application knows as an operator."""
        await self.looker(_given(scope))

    async def looker(self, given: bytes) -> str:
        """The name of who may look, by what he gives.

        Raises:
            Fault: he may not, or asks too often.

        """
        key = find(self._keys, given)
        if key is not None:
            self._spend(key)
            if WATCH not in key.operations:
                raise Fault("FORBIDDEN", f"this API key may not {WATCH}")
            return key.name
        operator = await self._watching.operator(given)
        if operator is None:
            raise _unknown()
        return operator

    async def look(self, name: str, query: dict[str, str]) -> Any:
        """What one of the operations for operators says; who asks was let in as a `looker`.

        Raises:
            Fault: there is no such operation, or what was asked for stands in no table.

        """
        return await self._watching.look(name, query)

    def _spend(self, key: ApiKey) -> Bucket | None:
        if key.rate is None:
            return None
        now = trio.current_time()
        bucket = self._buckets.get(key.name)
        if bucket is None:
            bucket = self._buckets[key.name] = Bucket(key.rate, key.burst, now)
        wait = bucket.take(now)
        if wait > 0:
            message = f"this API key may be used {key.rate:g} times a second, {key.burst} at once"
            raise Fault("OVERLOADED", message, retry=True, after=wait, status=429)
        return bucket


def _given(scope: Scope) -> bytes:
    """The key that a request carries; nothing where it has none."""
    scheme, _, given = (exchange.header(scope, b"authorization") or b"").partition(b" ")
    # RFC 9110 §11.1: a scheme is written in any case.
    return given.strip() if scheme.lower() == b"bearer" else b""


def _unknown() -> Fault:
    message = "an API key is needed, as `Authorization: Bearer KEY`, and one that is known here"
    return Fault("UNAUTHORIZED", message, headers=((b"www-authenticate", b'Bearer realm="rtcore"'),))


def _only(scope: Scope, *methods: str) -> None:
    if scope["method"] not in methods:
        allowed = ", ".join(methods)
        raise Fault(
            "METHOD_NOT_ALLOWED", f"use {allowed} here", headers=((b"allow", allowed.encode()),), status=405
        )
