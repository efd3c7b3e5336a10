"""What the network between does to a connection, and what to do about it: the checks of `rtcore doctor`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec
import trio

from .errors import BadCertificate, ConnectError, Forbidden
from .links.dial import dial as dial_target
from .links.http import Headers, HttpPeer
from .links.opening import Dial
from .links.target import Target
from .probe import PATIENCE, Probe, probe, spread
from .stranger import refuses, stranger_at

PINGS: Final = 10
SKEW: Final = 30.0
"""Seconds by which clocks may differ before tokens and time stamps suffer."""
FAR: Final = 0.5
"""Seconds of round trip above which people notice."""
TRANSPORTS: Final = ("websocket", "sse", "polling")


class Verdict(StrEnum):
    """How it is."""

    GOOD = "good"
    POOR = "poor"
    """It works, not as well as it could."""
    BAD = "bad"
    """Something is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` is empty where nothing is to be done."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


class _Refusal(msgspec.Struct):
    """How rtcore refuses a request."""

    code: str


class Doctor:
    """Looks at one server from here."""

    def __init__(
        self, target: Target, *, token: str | None = None, idle: float = 0.0, dial: Dial = dial_target
    ) -> None:
        self._target, self._idle, self._dial = target, idle, dial
        self._hello: dict[str, Any] = {} if token is None else {"token": token}
        self._works: dict[str, bool] = {}

    async def findings(self) -> AsyncIterator[Finding]:
        """One after the other. What cannot be looked at after a failure is left out."""
        if self._dial is dial_target and self._target.unix is None:
            resolved = await self._resolve()
            yield resolved
            if resolved.verdict is Verdict.BAD:
                return
        reached = await self._reach()
        yield reached
        if reached.verdict is Verdict.BAD:
            return
        if (stranger := await stranger_at(self._target, self._dial)) is not None:
            yield Finding("server", Verdict.BAD, stranger.found, stranger.advice)
            return  # no transport can work
        foreign = await self._foreign()
        kept: list[Finding] = []
        for transport in TRANSPORTS:
            async for finding in self._transport(transport):
                if foreign is None:
                    yield finding
                else:
                    kept.append(finding)
        if foreign is not None and not any(self._works.values()):
            yield foreign  # nothing between is to blame
            return
        for finding in kept:
            yield finding
        if any(self._works.values()):
            yield await self._health()
        else:
            yield Finding(
                "transports", Verdict.BAD, "none works", f"is {self._target} the address of an rtcore server?"
            )

    async def _resolve(self) -> Finding:
        host = self._target.host
        try:
            found = await trio.socket.getaddrinfo(host, self._target.port, type=trio.socket.SOCK_STREAM)
        except OSError as error:
            return Finding(
                "name", Verdict.BAD, f"{host} has no address: {error}", "check the name, and the DNS"
            )
        addresses = sorted({str(each[4][0]) for each in found})
        return Finding("name", Verdict.GOOD, f"{host} is {', '.join(addresses)}")

    async def _reach(self) -> Finding:
        began = time.perf_counter()
        what = "TLS" if self._target.secure else "connection"
        try:
            with trio.fail_after(10):
                stream = await self._dial(self._target)
        except BadCertificate as error:
            advice = "renew it, name this host in it, or give the client the authority that signed it"
            return Finding(what, Verdict.BAD, str(error), advice)
        except (OSError, trio.TooSlowError) as error:
            target = self._target
            if target.secure and (stranger := await stranger_at(target, self._dial)) is not None:
                return Finding(what, Verdict.BAD, f"no TLS with {target}: {stranger.found}", stranger.advice)
            if refuses(error):
                advice = f"is the server up, and is {target.port} its port? A firewall may say so, too"
                return Finding(what, Verdict.BAD, f"nothing listens at {target}", advice)
            why = "no answer within 10 s" if isinstance(error, trio.TooSlowError) else error
            advice = "is the server up, and does a firewall let this port through?"
            return Finding(what, Verdict.BAD, f"{target} cannot be reached: {why}", advice)
        await trio.aclose_forcefully(stream)
        return Finding(what, Verdict.GOOD, f"made in {(time.perf_counter() - began) * 1000:.0f} ms")

    async def _get(self, path: str) -> tuple[int, Headers, bytes]:
        """Ask once, on a connection of its own. Raises `OSError` and `trio.TooSlowError`."""
        peer = HttpPeer(self._target, self._dial, lambda: None)
        try:
            with trio.fail_after(PATIENCE):
                return await peer.ask("GET", path)
        finally:
            with trio.CancelScope(shield=True):
                await peer.close()

    async def _foreign(self) -> Finding | None:
        """What is wrong if no rtcore answers there.

        None: one does, or nothing does, as the transports will tell.
        """
        try:
            status, fields, body = await self._get(self._target.path("poll"))
        except (OSError, trio.TooSlowError):
            return None
        # (A poll of nobody's is refused as each request over plain HTTP is, by a JSON object with a code.)
        with contextlib.suppress(msgspec.DecodeError):
            msgspec.json.decode(body, type=_Refusal)
            return None
        kind = fields.get(b"content-type", b"no type").decode("latin-1")
        found = f"{self._target} answers {status} ({kind}), which is no answer of rtcore's"
        advice = (
            "is that the address of an rtcore server, with its path (/rt, unless it was changed)? "
            "A proxy's own page looks like this, too"
        )
        return Finding("server", Verdict.BAD, found, advice)

    async def _health(self) -> Finding:
        """What the server says of itself, and of the disk below it."""
        path = self._target.prefix.rpartition("/")[0] + "/healthz"
        try:
            status, _, body = await self._get(path)
        except (OSError, trio.TooSlowError) as error:
            status, body = 0, str(error).encode()
        said, _, more = body.decode("utf-8", "replace").strip().partition("\n")
        if status == 200 and said == "ok":
            return Finding("health", Verdict.GOOD, more or "it serves, and keeps nothing on disk")
        if status == 200 and said == "degraded":
            advice = (
                "mend that disk, or make room on it: durable rooms take nothing until then, live ones go on"
            )
            return Finding("health", Verdict.BAD, more, advice)
        if status == 503:
            return Finding("health", Verdict.POOR, "the server is stopping")
        advice = "ask the server itself for it: what stands between may keep it from others on purpose"
        return Finding("health", Verdict.POOR, f"{path} does not say how the server does", advice)

    async def _transport(self, transport: str) -> AsyncIterator[Finding]:
        try:
            async with probe(self._target, transport, dial=self._dial, hello=self._hello) as looked:
                finding = await self._judged(transport, looked)
                self._works[transport] = finding.verdict is Verdict.GOOD
                yield finding
                if looked.welcome is not None and sum(self._works.values()) == 1 and self._works[transport]:
                    async for more in self._through(transport, looked):
                        yield more
        except Forbidden as error:
            self._works[transport] = False
            advice = "allow this origin, or this host name, in the server's settings"
            yield Finding(transport, Verdict.BAD, str(error), advice)
        except (OSError, ConnectError) as error:
            self._works[transport] = False
            yield Finding(transport, Verdict.BAD, str(error), _WHY[transport])

    async def _judged(self, transport: str, looked: Probe) -> Finding:
        if looked.welcome is None:
            ended = looked.ended
            if ended is not None and ended.code == 4501:
                advice = "give a token that it accepts: --token"
                return Finding(
                    transport, Verdict.BAD, f"the server refuses the token: {ended.reason}", advice
                )
            why = looked.failed or (ended.reason if ended else "no welcome came")
            return Finding(transport, Verdict.BAD, f"it opens, and says nothing: {why}", _WHY[transport])
        if transport == "websocket":
            return Finding(transport, Verdict.GOOD, "it opens, and carries messages both ways")
        if await looked.ends_within(6.0) and looked.failed is not None:
            return Finding(transport, Verdict.BAD, str(looked.failed), _WHY[transport])
        looked.say({"type": "ping", "time": 1})
        if await looked.until("pong") is None:
            return Finding(transport, Verdict.BAD, "no answer to a ping came through", _WHY[transport])
        return Finding(transport, Verdict.GOOD, "it opens, and carries messages both ways")

    async def _through(self, transport: str, looked: Probe) -> AsyncIterator[Finding]:
        """What is the same for all transports, by the best that works."""
        welcome = looked.welcome or {}
        trips = await looked.round_trips(PINGS)
        if trips:
            mean, deviation = spread(trips)
            text = f"{mean * 1000:.1f} ms, give or take {deviation * 1000:.1f} ms ({len(trips)} pings)"
            verdict = Verdict.GOOD if mean < FAR else Verdict.POOR
            yield Finding(
                "latency", verdict, text, "" if mean < FAR else "is the server far away, or the line full?"
            )
        if isinstance(told := welcome.get("time"), int):
            skew = told / 1000 - time.time()
            fine = abs(skew) < SKEW
            text = f"the server's clock is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}"
            advice = "" if fine else "set the clocks by NTP: tokens end early or late, and times are wrong"
            yield Finding("clock", Verdict.GOOD if fine else Verdict.BAD, text, advice)
        limits = welcome.get("limits") or {}
        if "max_message" in limits:
            text = f"messages of up to {limits['max_message']:,} bytes, {limits.get('acks')} unanswered"
            yield Finding("limits", Verdict.GOOD, text)
        if (compressed := getattr(looked.link, "compressed", None)) is not None:
            ours = welcome.get("compress")
            agreed = [name for name in ("permessage-deflate" if compressed else None, ours) if name]
            verdict = Verdict.GOOD if compressed else Verdict.POOR
            text = f"{' and '.join(agreed)} agreed" if agreed else "no compression is agreed"
            advice = "" if compressed else "something on the way may take the extension's header out"
            if not compressed and ours:
                advice += f"; clients that know {ours} lose nothing by it, browsers do"
            yield Finding("compression", verdict, text, advice)
        if self._idle:
            cut = await looked.ends_within(self._idle)
            text = f"cut within {self._idle:g} s" if cut else f"it lives after {self._idle:g} s of silence"
            advice = "let the proxy wait longer, or set the server's ping_ms below its limit" if cut else ""
            yield Finding(f"idle {transport}", Verdict.BAD if cut else Verdict.GOOD, text, advice)


_WHY: Final = {
    "websocket": "a proxy between may not pass `Upgrade` on: let it (nginx: proxy_http_version 1.1, and the "
    "headers Upgrade and Connection); clients go on by event stream meanwhile",
    "sse": "a proxy between may gather the stream: switch its buffering off (nginx: proxy_buffering off); "
    "clients go on by polling meanwhile",
    "polling": "a proxy between may end long requests: let it wait 60 s",
}
