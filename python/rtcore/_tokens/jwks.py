"""The keys of another service, fetched and kept fresh: what OpenID calls `jwks_uri`.

    keep_fresh   the background task: fetches when what is kept is old, and after failures again and again
    refresh      one fetch for all that ask: a task that asks meanwhile waits for the same one

What is kept stays until there is something better: a service that is away logs nobody out. A key id that is
not known may be newer than what is kept, so it brings one fetch forward, and never more than one in
`BETWEEN` seconds, whatever peers make up.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import trio

from rtcore._ground.numbers import FIXED
from rtcore.errors import RtcoreError, UsageError

from .fetch import Fetched, fetch, usable

log = logging.getLogger("rtcore.app")

BETWEEN: Final = float(FIXED["JWKS_BETWEEN_S"])
"""Seconds between two fetches for the sake of a key id that is not known."""
SOONEST: Final = float(FIXED["JWKS_SOONEST_S"])
LATEST: Final = float(FIXED["JWKS_LATEST_S"])
"""`Cache-Control` is believed between these (seconds): from a minute to a day."""
PATIENCE: Final = float(FIXED["JWKS_PATIENCE_S"])
"""Longest wait between two attempts (seconds), however often it failed."""


class KeysAway(RtcoreError):  # noqa: N818 - what happened, in a word
    """The keys that tokens are checked with could not be fetched yet."""


class JWKS:
    """The keys that another service publishes: `rtcore.JWT(rtcore.JWKS("https://login.example/jwks"), …)`.

    They are fetched when the application is served (`app.authenticate` sees to it; with an authenticator of
    your own say `app.background(keys.keep_fresh)`) and again when they are old: as `Cache-Control` says, from
    a minute to a day, else each `refresh` seconds. A failure is logged and tried again, after 1 s doubling to
    5 min, with jitter; the keys of before stay. A token with an unknown key id brings one fetch forward.

    Args:
        url: where they are; `https`, or `http` of this machine.
        refresh: seconds that they are kept when the answer does not say.
        timeout: seconds that a fetch may take. It has at most 256 KiB.
        insecure: take `http` of other machines, where anybody on the way can give keys of his own.

    Raises:
        UsageError: the URL cannot be used, or a time is none.

    """

    def __init__(
        self, url: str, *, refresh: float = 600.0, timeout: float = 10.0, insecure: bool = False
    ) -> None:
        self.url = usable(url, insecure)
        for what, value in (("refresh", refresh), ("timeout", timeout)):
            if not 0 < value < LATEST * 365:
                raise UsageError(f"the {what} of a JWKS is a number of seconds above 0, not {value!r}")
        self.document: Mapping[str, Any] | None = None
        self._every = refresh
        self._timeout = timeout
        self._get = partial(fetch, timeout=timeout, insecure=insecure)
        self._etag: str | None = None
        self._limiter: trio.CapacityLimiter | None = None  # one thread, also where an earlier one hangs
        self._kept = 0  # tasks that keep it fresh
        self._old = float("-inf")  # from when on it is fetched again, on Trio's clock
        self._tried = float("-inf")
        self._attempts = 0
        self._failures = 0
        self._fetching: trio.Event | None = None

    async def keep_fresh(self, _app: object = None) -> None:
        """Keep them fresh until cancelled: a background task, `app.background(keys.keep_fresh)`."""
        self._kept += 1
        try:
            while True:
                await trio.sleep_until(self._old)
                await self.refresh()
        finally:
            self._kept -= 1

    async def refresh(self) -> bool:
        """Fetch them now. A cancel point; who comes while somebody fetches waits for the same fetch.

        Returns:
            Whether it worked. What did not is in the log, and what was there before stays.

        """
        mine = self._attempts
        while self._attempts == mine:  # one who fetches may be cancelled: then another goes on
            if self._fetching is not None:
                await self._fetching.wait()
            else:
                await self._fetch()
        return self._failures == 0

    def needed(self) -> bool:
        """Whether somebody who wants to check a token must fetch first. In a task of Trio.

        After a failure not before its time: hellos without end are no fetches without end.
        """
        if self.document is None and self._fetching is not None:
            return True
        return trio.current_time() >= self._old and (self.document is None or not self._kept)

    def may_ask(self) -> bool:
        """Whether a key id that is not known may bring a fetch forward. In a task of Trio."""
        return self._fetching is not None or trio.current_time() >= self._tried + BETWEEN

    async def _fetch(self) -> None:
        self._fetching = done = trio.Event()
        if self._limiter is None:
            self._limiter = trio.CapacityLimiter(1)
        self._tried = trio.current_time()
        try:
            with trio.fail_after(self._timeout + 1):
                answer = await self._ask()
            self._keep(answer)
        except Exception as error:  # noqa: BLE001 - whatever is wrong there: it is tried again
            self._failed(error)
        finally:
            self._fetching = None
            done.set()

    async def _ask(self) -> Fetched:
        return await trio.to_thread.run_sync(
            self._get, self.url, self._etag, abandon_on_cancel=True, limiter=self._limiter
        )

    def _keep(self, answer: Fetched) -> None:
        if answer.body is not None:
            found = json.loads(answer.body)
            if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
                raise ValueError("it is no set of keys: an object with a list `keys`")
            self.document = found
        self._etag = answer.etag
        fresh = self._every if answer.fresh is None else min(max(answer.fresh, SOONEST), LATEST)
        # A tenth of it at random: many servers that were started together do not come together for ever.
        self._old = trio.current_time() + fresh * random.uniform(0.9, 1.0)  # noqa: S311 - jitter
        self._attempts += 1
        if self._failures:
            log.info("the keys of %s could be fetched again", self.url)
        self._failures = 0

    def _failed(self, error: Exception) -> None:
        self._attempts += 1
        self._failures += 1
        wait = min(PATIENCE, 2.0 ** min(self._failures - 1, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._old = trio.current_time() + wait
        stay = "those of before stay" if self.document is not None else "nobody can be let in by them"
        log.error(
            "the keys of %s cannot be fetched, and %s: %s: %s (attempt %d, the next in %.0f s)",
            self.url,
            stay,
            type(error).__name__,
            error,
            self._failures,
            wait,
        )

    def __repr__(self) -> str:
        return f"<JWKS {self.url}>"


JWKS.__module__ = "rtcore"
