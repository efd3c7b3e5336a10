"""One small document from another server, in a worker thread: bounded in bytes and in time, and by TLS.

The standard library does it: proxies of the environment, redirects and certificates are as everywhere in
Python, and a client of HTTP with a pool of connections would be a dependency for one request in ten minutes.
"""

from __future__ import annotations

import ipaddress
import re
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from rtcore._ground.numbers import FIXED
from rtcore.errors import UsageError

if TYPE_CHECKING:
    from email.message import Message

LARGEST: Final = FIXED["JWKS_BYTES"]
"""Bytes of a document: a hundred RSA keys have 40 KiB."""
_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})\"?(?:$|[\s,])", re.IGNORECASE)
_NEVER_KEEP: Final = re.compile(r"(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])", re.IGNORECASE)


class Fetched(NamedTuple):
    """An answer. `body` is None where it is what the `etag` of before named; `fresh`: seconds, if it says."""

    body: bytes | None
    etag: str | None
    fresh: float | None


def usable(url: str, insecure: bool) -> str:
    """The URL, if it may be fetched from.

    Raises:
        UsageError: it is no URL of HTTP, or anybody on the way could change what comes.

    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise UsageError(f"keys are fetched from a URL that begins with https://, and not from {url!r}")
    if parts.scheme == "http" and not insecure and not _loopback(parts.hostname):
        raise UsageError(
            f"{url!r} is not https: anybody on the way could give keys of his own. `insecure=True` takes it"
        )
    return url


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def fetch(url: str, etag: str | None, timeout: float, insecure: bool) -> Fetched:
    """Fetch it. Blocks, for not much longer than `timeout` seconds.

    Raises:
        OSError, ValueError, http.client.HTTPException: it cannot be had, or is too large or too slow.

    """
    import urllib.request
    from urllib.error import HTTPError

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str
        ) -> urllib.request.Request | None:
            try:
                usable(newurl, insecure)  # not from TLS to what has none
            except UsageError:
                fp.close()
                raise
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    headers = {"Accept": "application/json", "User-Agent": "rtcore"}
    if etag is not None:
        headers["If-None-Match"] = etag
    until = time.monotonic() + timeout
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - `usable` has looked
    try:
        with urllib.request.build_opener(Redirects).open(request, timeout=timeout) as answer:
            body = b""
            while part := answer.read1(LARGEST + 1 - len(body)):
                body += part
                if len(body) > LARGEST:
                    raise ValueError(f"it has more than {LARGEST} bytes")
                if time.monotonic() > until:
                    raise TimeoutError(f"it did not come within {timeout:g} s")
            return Fetched(body, answer.headers.get("ETag"), _fresh(answer.headers))
    except HTTPError as error:
        with error:
            if error.code == 304 and etag is not None:
                return Fetched(None, etag, _fresh(error.headers))
            raise


def _fresh(headers: Message) -> float | None:
    """For how long it may be kept, as RFC 9111 §4.2 says of what is kept here."""
    control = headers.get("Cache-Control") or ""
    if _NEVER_KEEP.search(control):
        return 0.0
    said = _AGE.search(control)
    if said is None:
        return None
    spent = headers.get("Age") or "0"
    return max(0.0, float(said[1]) - (float(spent) if re.fullmatch(r"[0-9]{1,9}", spent) else 0.0))
