"""Plain HTTP: hello and what is said by POST, what is heard by an event stream or by polls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import trio

from rtcore.client.errors import NotRtcore
from rtcore.client.words import Said, Unreadable, decode, frame, holds_secret

from .events import EventStream
from .http import Dial, Fields, HttpPeer
from .link import ABNORMAL, Ended, Hears, Refused, Useless
from .refusal import refusal, retry_after
from .target import Target

WAIT: Final = 25
"""Seconds that a poll is open."""
FIRST: Final = 5.0
"""Seconds for the first byte of an event stream: what gathers it on the way is of no use."""
GOODBYE: Final = 1.0
# What a refusal of hello means as a close code; the others come back.
_CLOSES: Final = {401: 4501, 403: 4502, 409: 4500, 400: 4504, 413: 1009}


class PlainLink:
    """One session over plain HTTP. `stream`: by an event stream, else by polls."""

    def __init__(
        self, target: Target, dial: Dial, *, stream: bool, known: bool, codings: Sequence[str] = ()
    ) -> None:
        self._target, self._by_stream, self._known = target, stream, known
        self._codings = codings
        self._says = HttpPeer(target, dial, self._alive)
        self._reads = HttpPeer(target, dial, self._alive)
        self._hello: bytes | None = None
        self._out: list[bytes] = []
        self._news = trio.Event()
        self._session: Fields = ()
        self._number: int | None = None
        self._welcomed = trio.Event()
        self._closing = False
        self._hears: Hears | None = None
        self._ended: Ended | None = None
        self._failed: Exception | None = None

    @property
    def sent(self) -> int:
        """Bytes that left."""
        return self._says.sent + self._reads.sent

    @property
    def received(self) -> int:
        """Bytes that came."""
        return self._says.received + self._reads.received

    async def open(self) -> None:
        """Be connected. Raises `OSError`."""
        await self._says.open()

    def say(self, messages: tuple[bytes, ...], *, hello: bool) -> None:
        """With the next POST."""
        if hello:
            self._hello, self._number = frame(messages), decode(messages[0])[0].get("n")
        else:
            self._out += messages
        self._news.set()

    def welcomed(self, session: str, key: str, compress: str | None) -> None:
        """From now on it is heard, and said, as this session. What compresses is said by each request."""
        del compress
        by = () if self._number is None else (("Rtcore-Hello", str(self._number)),)
        self._session = (("Authorization", f"Session {session}:{key}"), *by)
        self._welcomed.set()

    def shut(self, code: int, reason: str) -> None:
        """What was said is sent, then it is over."""
        del code, reason  # there is no close frame
        self._closing = True
        self._news.set()

    def _alive(self) -> None:
        if self._hears is not None:
            self._hears.alive()

    async def run(self, hears: Hears) -> Ended:
        """Until one of its requests fails, or it is shut."""
        self._hears = hears
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._guard, self._speak, nursery.cancel_scope)
                nursery.start_soon(self._guard, self._listen, nursery.cancel_scope)
        finally:
            with trio.CancelScope(shield=True):
                await self._says.close()
                await self._reads.close()
        if self._failed is not None:
            raise self._failed
        return self._ended or Ended(ABNORMAL, "the connection broke")

    async def _guard(self, part: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        """What ends one half ends both, and says how."""
        try:
            await part()
        except (NotRtcore, Useless) as error:
            self._failed = self._failed or error
        except Refused as error:
            self._ended = self._ended or Ended(ABNORMAL, str(error), error.after)
        except (OSError, Unreadable, ValueError) as error:
            self._ended = self._ended or Ended(ABNORMAL, str(error))
        scope.cancel()

    # -- up

    async def _speak(self) -> None:
        while self._ended is None:
            if self._hello is not None:
                hello, self._hello = self._hello, None
                await self._say_hello(hello)
            elif self._out and self._session:
                messages, self._out = tuple(self._out), []
                with trio.move_on_after(GOODBYE if self._closing else float("inf")):
                    await self._post(frame(messages), secret=any(map(holds_secret, messages)))
            elif self._closing:
                return
            else:
                self._news = trio.Event()
                await self._news.wait()

    async def _say_hello(self, hello: bytes) -> None:
        status, headers, body = await self._says.ask(
            "POST", self._target.path("session"), body=hello, secret=True
        )
        if status == 200:
            try:
                said = decode(body)
            except Unreadable:
                raise self._foreign(status) from None
            if self._codings and "compress" in said[0]:
                # A server that says this, which is about WebSockets, takes bodies that come compressed.
                self._says.packs = self._codings[0]
            self._heard(said)
            return
        error = refusal(status, headers, body)
        if error.code is None and status in (404, 405, 501):
            raise self._foreign(status)
        if error.code is None:  # what stands between says it, in a page of its own
            self._ended = Ended(ABNORMAL, f"{error} to the hello", error.after)
            return
        self._ended = Ended(_CLOSES.get(status, ABNORMAL), error.message, error.after)

    def _foreign(self, status: int) -> Exception:
        text = f"{self._target} is no rtcore server: it answers {status} to a hello"
        return Refused(status, None, text) if self._known else NotRtcore(text)

    async def _post(self, body: bytes, *, secret: bool) -> None:
        while True:
            status, headers, answer = await self._says.ask(
                "POST",
                self._target.path("send"),
                whose=self._session,
                body=body,
                codings=self._codings,
                secret=secret,
            )
            if status == 200:
                self._tell_all(_answer(answer))
                return
            if status == 415 and self._says.packs is not None:
                self._says.packs = None  # what stands between does not: nothing of it was taken
                continue
            if status != 429:
                raise self._lost(status, headers, answer)
            # Full for now: all of it may be sent again.
            with trio.move_on_after(retry_after(headers) or 1.0):
                await trio.sleep_forever()

    def _lost(self, status: int, headers: dict[bytes, bytes], body: bytes) -> Exception:
        error = refusal(status, headers, body)
        if status == 401:
            self._ended = Ended(4005, error.message)
        elif status == 204:
            self._ended = Ended(4500, "the session has moved to another connection")
        return error

    # -- down

    async def _listen(self) -> None:
        await self._welcomed.wait()
        if self._by_stream:
            await self._read_stream()
        else:
            await self._poll()

    async def _read_stream(self) -> None:
        taken = EventStream()
        parts = self._reads.stream(self._target.path("sse"), self._session, self._codings)
        try:
            with trio.CancelScope(deadline=trio.current_time() + FIRST) as first:
                async for part in parts:
                    first.deadline = float("inf")
                    for data in taken.take(part):
                        self._tell(data)
            if first.cancelled_caught:
                raise Useless(
                    f"the event stream says nothing within {FIRST:g} s: something on the way gathers it"
                )
        finally:
            with trio.CancelScope(shield=True):
                await self._reads.close()

    async def _poll(self) -> None:
        after = 0
        while self._ended is None:
            path = f"{self._target.path('poll')}?after={after}&wait={WAIT}"
            status, headers, body = await self._reads.ask(
                "GET", path, whose=self._session, codings=self._codings
            )
            if status != 200:
                raise self._lost(status, headers, body)
            answer = _answer(body)
            number = answer.get("n")
            if not isinstance(number, int):
                raise Unreadable("an answer to a poll without a number")
            after = number
            self._tell_all(answer)

    def _tell(self, data: bytes) -> None:
        self._heard(decode(data))

    def _heard(self, messages: list[Said]) -> None:
        assert self._hears is not None  # noqa: S101 - it runs
        self._hears.messages(messages)
        for said in messages:
            if said["type"] == "bye":
                # Nothing closes here: the next poll would have the same answer at once, and so on for ever.
                self._ended = self._ended or Ended(said.get("code", ABNORMAL), said.get("reason") or "")

    def _tell_all(self, answer: Said) -> None:
        messages = answer.get("messages")
        if not isinstance(messages, list):
            raise Unreadable("an answer without messages")
        if messages:
            self._tell(msgspec.json.encode(messages))


def _answer(body: bytes) -> Said:
    """The answer to a send or a poll: a proxy on the way may have put a page in its place."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from None
    if not isinstance(answer, dict):
        raise Unreadable(f"no answer: {answer!r:.80}")
    return answer
