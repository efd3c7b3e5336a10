"""Who is there where no HTTP is spoken: what `rtcore doctor` says instead of blaming each transport."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import trio

from rtcore._ground.groups import leaves

from .links.opening import Dial
from .links.target import Target

PATIENCE: Final = 4.0
"""Seconds for a connection, and for its first words."""
MOST: Final = 256
"""Bytes of them."""
_ALERT: Final = b"\x15\x03"
"""How TLS answers to what is none, RFC 8446 section 6."""
_KNOWN: Final = (
    (b"SSH-", "an SSH server"),
    (b"220", "a server of mail or of files"),
    (b"* OK", "a server of mail (IMAP)"),
    (b"+OK", "a server of mail (POP3)"),
    (b"-ERR", "a server like Redis"),
    (b"-DENIED", "a server like Redis"),
    (b"AMQP", "a message broker (AMQP)"),
)
_OTHER: Final = "another server listens at this port: is the port right?"


@dataclass(frozen=True, slots=True)
class Stranger:
    """What was found, and what to do about it."""

    found: str
    advice: str


async def stranger_at(target: Target, dial: Dial) -> Stranger | None:
    """Who answers there, by its first words to a request of HTTP. None: it speaks HTTP, as the address says,
    or nobody can be reached.
    """
    try:
        said = await _first_words(target, dial)
    except (OSError, trio.TooSlowError):
        if not target.secure:
            return None
        target = replace(target, secure=False)
        try:
            said = await _first_words(target, dial)
        except (OSError, trio.TooSlowError):
            return None
        if said is not None and said.startswith(b"HTTP/"):
            return Stranger("it speaks HTTP without TLS, and was asked by TLS", f"write {target}")
    if said is not None and said.startswith(b"HTTP/"):
        return None
    if not target.secure and (not said or said.startswith(_ALERT)) and await _speaks_tls(target, dial):
        return Stranger("it speaks TLS, and was asked without", f"write {replace(target, secure=True)}")
    return _named(said)


def _named(said: bytes | None) -> Stranger:
    """By its first words; None: it says nothing, and stays."""
    if said is None:
        return Stranger(
            f"it takes connections, and says nothing within {PATIENCE:g} s",
            "does that server hang, or does something between take connections for one that is away?",
        )
    if not said:
        return Stranger("it takes a connection, and closes it without a word", _OTHER)
    line = said.splitlines()[0][:60].decode("ascii", "backslashreplace")
    who = next((name for begins, name in _KNOWN if said.startswith(begins)), "no server of HTTP")
    return Stranger(f"{who} answers there: {line!r}", _OTHER)


async def _first_words(target: Target, dial: Dial) -> bytes | None:
    """What it says first; nothing: it closes; None: neither within `PATIENCE`.

    Raises:
        OSError: no connection, or no TLS.
        trio.TooSlowError: neither that in time.

    """
    with trio.fail_after(PATIENCE):
        stream = await dial(target)
    host, said = target.authority, b""
    request = f"GET {target.path('poll')} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        with trio.move_on_after(PATIENCE):
            await stream.send_all(request.encode("ascii"))
            while len(said) < MOST and b"\n" not in said:
                more = await stream.receive_some(MOST)
                if not more:
                    return said
                said += more
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return said
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)
    return said or None


async def _speaks_tls(target: Target, dial: Dial) -> bool:
    """Whether a handshake is made there, whatever the certificate says: nothing is said behind it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with trio.move_on_after(PATIENCE):
        try:
            stream = await dial(target)
        except OSError:
            return False
        try:
            await trio.SSLStream(stream, context).do_handshake()
        except trio.BrokenResourceError:
            return False
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)
        return True
    return False


def refuses(error: BaseException) -> bool:
    """Whether a connection failed since nobody listens there, as far as is known of all addresses."""
    causes = [each for each in _causes(error) if isinstance(each, OSError)]
    return bool(causes) and all(isinstance(each, ConnectionRefusedError) for each in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What it came from, where it says so."""
    for each in leaves(error):
        if each.__cause__ is None:
            yield each
        else:
            yield from _causes(each.__cause__)
