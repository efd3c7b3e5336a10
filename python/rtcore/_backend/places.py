"""Places for what is served beside rtcore's own requests, and for connections at the door: who has which.

What is limited for the process has a share by address, as in the core (`rust/core/src/shares`): so one
client, however many slow bodies it sends, leaves place for others. And some places are kept: for probes
(`/healthz`, `/livez`, `/readyz`, `/metrics`) and for backends with an API key, which must be heard when
everything else is used up. A probe has no body that could drip; one address and one key have a share of the
kept places, too.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from rtcore._ground import numbers
from rtcore._ground.numbers import USUAL
from rtcore.http_api.keys import ApiKey, find

if TYPE_CHECKING:
    from rtcore.config import Config

API: Final = numbers.API.encode()
PROBES: Final = (*(probe.encode() for probe in numbers.PROBES), b"/metrics")


class Bounds(NamedTuple):
    """How much may be open beside rtcore's own requests."""

    limit: int
    kept: int
    """Places beside these: so many for probes, and so many for backends."""
    percent: int
    """What of it one address, or one API key, may have."""

    @classmethod
    def of(cls, config: Config) -> Bounds:
        """As a configuration has them."""
        return cls(config.http_connections, config.limit("http_kept"), config.limit("share_of_address"))

    def share(self, of: int) -> int:
        """A share of so many, at least one."""
        return max(1, of * self.percent // 100)


class Patience(NamedTuple):
    """How long the peer of a mounted application may take, as the limits have it (seconds).

    A whole body: `seconds`, and a second more for each `rate` bytes of it that came. `ping` and `silence`
    are those of a WebSocket; bytes that are written must be taken by the kernel within `silence`, too.
    """

    seconds: float = USUAL["body_ms"] / 1000
    rate: int = USUAL["body_rate"]
    ping: float = USUAL["ping_ms"] / 1000
    silence: float = USUAL["silence_ms"] / 1000

    @classmethod
    def of(cls, config: Config) -> Patience:
        """As a configuration has it."""
        seconds = {name: config.limit(f"{name}_ms") / 1000 for name in ("body", "ping", "silence")}
        return cls(seconds["body"], max(1, config.limit("body_rate")), seconds["ping"], seconds["silence"])

    def until(self, began: float, received: int) -> float:
        """When it is over, by Trio's clock."""
        return began + self.seconds + received / self.rate


PATIENCE: Final = Patience()


class Places:
    """Who has a request open beside rtcore's own."""

    def __init__(self, bounds: Bounds, keys: Sequence[ApiKey] = ()) -> None:
        self.bounds = bounds
        self._keys = keys
        self._held: Counter[tuple[str, str]] = Counter()

    def take(self, head: bytes, address: str) -> Callable[[], None] | None:
        """A place for the request with this head; what is given gives it back. None: there is none.

        A probe and a backend take an ordinary place while there is one.
        """
        limit, kept, _ = self.bounds
        place = self._try("site", limit, _block(address))
        if place is not None:
            return place
        kind, holder = self._kept_for(head)
        return None if kind is None else self._try(kind, kept, holder or _block(address))

    def _try(self, kind: str, most: int, holder: str) -> Callable[[], None] | None:
        everybody, own = (kind, ""), (kind, holder)
        if self._held[everybody] >= most or self._held[own] >= self.bounds.share(most):
            return None
        for book in (everybody, own):
            self._held[book] += 1

        def give_back() -> None:
            for book in (everybody, own):
                self._held[book] -= 1
                if not self._held[book]:
                    del self._held[book]

        return give_back

    def _kept_for(self, head: bytes) -> tuple[str | None, str | None]:
        """Of which kept places this request may have one, and in whose share: a key's, else its address's."""
        line, *lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
        method, target, *_ = (*line.split(b" "), b"", b"")
        path = target.partition(b"?")[0]
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (each.partition(b":") for each in lines)
        }
        if path in PROBES:
            bodyless = fields.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in fields
            return ("probe", None) if bodyless and method in (b"GET", b"HEAD") else (None, None)
        if path.startswith(API):
            scheme, _, given = fields.get(b"authorization", b"").partition(b" ")
            key = find(self._keys, given.strip()) if scheme.lower() == b"bearer" else None
            return (None, None) if key is None else ("backend", key.name)
        return None, None


class Handshakes:
    """Connections that have not finished their TLS handshake, counted from `accept`.

    They say nothing yet, so the one that has been at it for the longest goes when there are too many: of the
    same address first. So sockets that say nothing push out each other, and a client that speaks comes in.
    """

    def __init__(self, limit: int, per_address: int) -> None:
        """At most so many, in all and from one address; 0: any number."""
        self._limit = limit
        self._per_address = per_address
        self._all: OrderedDict[trio.CancelScope, str] = OrderedDict()
        self._of: dict[str, OrderedDict[trio.CancelScope, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    @contextmanager
    def one(self, address: str, seconds: float) -> Iterator[trio.CancelScope]:
        """A handshake: the block is cancelled when its time is over, or another needs the place."""
        block = _block(address)
        own = self._of.setdefault(block, OrderedDict())
        if self._per_address and len(own) >= self._per_address:
            self._push_out(next(iter(own)))
        elif self._limit and len(self._all) >= self._limit:
            self._push_out(next(iter(own or self._all)))
        with trio.move_on_after(seconds) as scope:
            self._of.setdefault(block, own)[scope] = None
            self._all[scope] = block
            try:
                yield scope
            finally:
                self._forget(scope)

    def _push_out(self, scope: trio.CancelScope) -> None:
        self._forget(scope)
        scope.cancel()

    def _forget(self, scope: trio.CancelScope) -> None:
        block = self._all.pop(scope, None)
        if block is None:
            return
        own = self._of[block]
        own.pop(scope, None)
        if not own:
            del self._of[block]


@lru_cache(maxsize=1024)
def _block(address: str) -> str:
    """One subscriber of IPv6 has a network of 64 bits: it counts as one address, as in the core."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return address
