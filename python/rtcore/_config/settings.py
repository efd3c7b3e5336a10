"""What may be set, how each value is read, and what it means: one table for file, flags and help.

What is wrong is told in one line: where it was said, the value, what it must be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from rtcore import errors
from rtcore._ground import near
from rtcore._ground.numbers import FIXED, LIMIT_RANGES, LIMITS
from rtcore.http_api.keys import read_keys

from . import kinds

_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
ACTS: Final = ("advise", "presence", "accepts", "shed")
_FORMATS: Final = ("text", "json")
_LINGER: Final = FIXED["LINGER_US"]
"""Longest linger (us): ten times as long as turns may follow each other without a pass of Trio."""


class Setting(NamedTuple):
    """One thing that may be set."""

    name: str
    default: object
    read: Callable[[object], object]
    help: str
    secret: bool = False  # no error says what was given


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "host",
        ("127.0.0.1",),
        kinds.addresses,
        "addresses or names to listen on; 0.0.0.0 is all of IPv4, and :: all there are (IPv6 alone beside an "
        "address of IPv4)",
    ),
    Setting("port", 8000, kinds.port, "port to listen on; 0 takes any free one"),
    Setting("uds", None, kinds.path, "path of a Unix socket to listen on, in place of host and port"),
    Setting(
        "fd",
        (),
        kinds.descriptors,
        "number of a listening socket that was opened before; systemd's (LISTEN_FDS) are found without it",
    ),
    Setting(
        "reuse_port",
        False,
        kinds.flag,
        "share the port with another server that says the same, for a restart without refusals: start the "
        "new one, then end the old one",
    ),
    Setting(
        "mount", None, kinds.text, "ASGI application for everything that is not rtcore's own, as module:name"
    ),
    Setting(
        "data",
        None,
        kinds.path,
        "folder in which durable rooms are kept; it is made if it is not there, and is one server's alone",
    ),
    Setting(
        "origins",
        (),
        kinds.places("origin"),
        "origins of other sites whose pages may connect, such as https://app.example",
    ),
    Setting(
        "hosts",
        (),
        kinds.places("host"),
        "names that `Host` may have beside the loopback ones, while listening on loopback",
    ),
    Setting(
        "proxies",
        (),
        kinds.places("proxy"),
        "networks of proxies that are believed about their clients, such as 10.0.0.0/8",
    ),
    Setting(
        "forwarded",
        ("x-forwarded-for", "x-forwarded-proto"),
        kinds.fields,
        "header fields in which they are believed, perhaps also x-forwarded-host and x-forwarded-port; or "
        "forwarded alone",
    ),
    Setting(
        "proxy_protocol",
        False,
        kinds.flag,
        "connections of those proxies begin with a PROXY header (version 1 or 2), which says whose they are; "
        "from elsewhere such a header is refused",
    ),
    Setting("certificate", None, kinds.path, "PEM file with the certificate chain: serve https and wss"),
    Setting(
        "key", None, kinds.path, "PEM file with the certificate's private key, if it is not in the same file"
    ),
    Setting("log_level", "info", kinds.choice(_LEVELS), "least important level that is logged"),
    Setting(
        "log_format", "text", kinds.choice(_FORMATS), "text for people, json for programs: one object a line"
    ),
    Setting("access_log", False, kinds.flag, "log each HTTP request that is not rtcore's own"),
    Setting("metrics", True, kinds.flag, "answer /metrics, in Prometheus' text format"),
    Setting(
        "acts",
        ACTS,
        kinds.some_of(ACTS),
        "what the server does by itself while something is wrong: advise (asks clients to wait with what can "
        "wait), presence (tells it less often), accepts (slower in a storm), shed (rings give memory back); "
        "or none",
    ),
    Setting(
        "token_in_url",
        False,
        kinds.flag,
        "take a token in the URL (?token=), where logs and histories see it",
    ),
    Setting(
        "compress_events",
        False,
        kinds.flag,
        "compress what is long in event streams (gzip) for who takes it; a proxy that gathers what is "
        "compressed would hold it back",
    ),
    Setting("demo", False, kinds.flag, "serve the demonstration page at /"),
    Setting(
        "api_keys",
        (),
        read_keys,
        "keys with which other servers may use the publish API; none: there is no such API",
        secret=True,
    ),
    Setting(
        "http_connections",
        1000,
        kinds.ranged(kinds.number, 1, 1_000_000),
        "HTTP requests that may be open at a time, beside rtcore's own",
    ),
    Setting(
        "linger",
        50,
        kinds.ranged(kinds.time(1e-6, "50 us"), 0, _LINGER, " us"),
        "how long a turn waits for more before it looks at Trio again (us)",
    ),
    Setting(
        "shutdown_delay",
        0,
        kinds.ranged(kinds.time(1.0, "5 s"), 0, FIXED["SHUTDOWN_DELAY_S"], " s"),
        "how long before connections are closed at shutdown /readyz and /healthz say 503 (s), so that a load "
        "balancer sends nobody any more",
    ),
)


def _limit(name: str, default: int, about: str) -> Setting:
    least, most = LIMIT_RANGES[name]
    read: Callable[[object], int] = kinds.number
    unit = ""
    if name.endswith("_ms"):
        read, unit = kinds.time(1e-3, "25 s"), " ms"
    elif "bytes" in about.lower():
        read, unit = kinds.size, " bytes"
    return Setting(name, default, kinds.ranged(read, least, most, unit), " ".join(about.split()))


LIMIT_SETTINGS: tuple[Setting, ...] = tuple(_limit(*row) for row in LIMITS)
BY_NAME = {setting.name: setting for setting in SETTINGS}
LIMIT_BY_NAME = {setting.name: setting for setting in LIMIT_SETTINGS}


def find(name: str, known: dict[str, Setting], what: str, source: str) -> Setting:
    """The setting of that name; `ConfigError` names the nearest known one."""
    if name in known:
        return known[name]
    words = [*known, "limits"] if known is BY_NAME else known  # the table of a file
    raise errors.ConfigError(f"{source}: there is no {what} {kinds.shown(name)}{nearest(str(name), words)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest of the `known` names."""
    names = list(known)
    return near.hint(name[:100], names, f"; there are {', '.join(sorted(names))}", cutoff=0.5)


def read(setting: Setting, value: object, source: str) -> object:
    """The value as the setting has it; `ConfigError` says what was wanted and what was found."""
    try:
        return setting.read(value)
    except ValueError as error:
        given = "what cannot be used" if setting.secret else kinds.shown(value)
        empty = isinstance(value, str) and not value.strip()
        hint = "; leave it out for the default" if empty else ""
        raise errors.ConfigError(f"{source}: {setting.name} is {given}, and must be {error}{hint}") from None
