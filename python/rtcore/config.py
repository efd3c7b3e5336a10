"""The configuration of a server: from a file, the environment and flags alike.

What is set in more than one place is taken from the first of flags, environment, file, defaults.

    # rtcore.toml, read when it is in the current directory, or named by --config
    host = ["127.0.0.1", "::1"]
    port = 8000
    mount = "web:site"
    origins = ["https://app.example"]

    [limits]
    ping_ms = "25 s"
    max_message = "1 MiB"

    RTCORE_PORT=9000 RTCORE_LIMITS_PING_MS="10 s" rtcore serve myapp:app --limit max_message=4MiB

The path prefix of rtcore's own requests is `/rt/` and cannot be set: clients are written against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from . import errors
from ._config.environment import PREFIX as VARIABLES
from ._config.environment import read_environment
from ._config.file import read_file
from ._config.kinds import shown
from ._config.settings import BY_NAME, LIMIT_BY_NAME, LIMIT_SETTINGS, SETTINGS, find, read
from .http_api.keys import ApiKey

FILE = "rtcore.toml"


class Config(msgspec.Struct, kw_only=True, frozen=True):
    """All that may be set of a server. `rtcore config` prints what is in effect, and why.

    Make one with `Config.of(port=9000, limits={"ping_ms": "10 s"})` or `load`, which check each value.
    """

    host: tuple[str, ...] = ("127.0.0.1",)
    port: int = 8000
    uds: str | None = None
    fd: tuple[int, ...] = ()
    reuse_port: bool = False
    mount: str | None = None
    data: str | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    forwarded: tuple[str, ...] = ("x-forwarded-for", "x-forwarded-proto")
    proxy_protocol: bool = False
    certificate: str | None = None
    key: str | None = None
    log_level: str = "info"
    log_format: str = "text"
    access_log: bool = False
    metrics: bool = True
    acts: tuple[str, ...] = ("advise", "presence", "accepts", "shed")
    token_in_url: bool = False
    compress_events: bool = False
    demo: bool = False
    api_keys: tuple[ApiKey, ...] = ()
    http_connections: int = 1000
    linger: int = 50
    shutdown_delay: int = 0
    limits: dict[str, int] = {}

    @classmethod
    def of(cls, **settings: object) -> Config:
        """A configuration from keyword arguments alone, written as in the file. Raises `ConfigError`."""
        return load(settings, environment={}, file=None, given="settings").config

    def limit(self, name: str) -> int:
        """The value of a limit, set or default."""
        return self.limits.get(name, _default_limit(name))

    @property
    def grace(self) -> float:
        """How long shutdown may take, in seconds."""
        return self.limit("grace_ms") / 1000


Config.__module__ = "rtcore"


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, and for each name (limits as `limits.NAME`) where its value is from."""

    config: Config
    sources: dict[str, str]
    links: tuple[str, ...] = ()
    """Variables that Kubernetes or Docker has set, for a Service or a container named like us: not read."""

    def rows(self) -> Iterator[tuple[str, object, str, str]]:
        """Name, value, source and description of each setting and limit."""
        for setting in SETTINGS:
            source = self.sources.get(setting.name, "default")
            value = getattr(self.config, setting.name)
            shown = [key.shown() for key in self.config.api_keys] if setting.name == "api_keys" else value
            yield setting.name, shown, source, setting.help
        for setting in LIMIT_SETTINGS:
            name = f"limits.{setting.name}"
            yield name, self.config.limit(setting.name), self.sources.get(name, "default"), setting.help


def load(
    flags: Mapping[str, object],
    *,
    environment: Mapping[str, str],
    file: Path | None,
    given: str = "flags",
) -> Loaded:
    """The configuration in effect.

    `flags` has names of settings and, under `limits`, a mapping of limits; `None` means "not given". `file`
    is a TOML file, or None for none. `given` is what errors call the flags. Raises
    `rtcore.errors.ConfigError` for what cannot be read, an unknown name (it names the nearest known one) or a
    value of the wrong kind.
    """
    values: dict[str, Any] = {}
    limits: dict[str, int] = {}
    sources: dict[str, str] = {}
    found = read_environment(environment)
    order: dict[str, int] = {}
    for rank, (origin, table) in enumerate(
        (
            (FILE if file is None else file.name, {} if file is None else read_file(file)),
            ("environment", found.table),
            (given, {name: value for name, value in flags.items() if value is not None}),
        )
    ):
        inner = table.pop("limits", {})
        if not isinstance(inner, Mapping):
            raise errors.ConfigError(
                f"{origin}: limits is {shown(inner)}, and must be a table of names and values"
            )
        for name, value in table.items():
            setting = find(name, BY_NAME, "setting", origin)
            sources[name] = _source(origin, name)
            order[name] = rank
            values[name] = read(setting, value, sources[name])
        for name, value in inner.items():
            setting = find(name, LIMIT_BY_NAME, "limit", origin)
            source = sources[f"limits.{name}"] = _source(origin, f"limits.{name}")
            limits[name] = read(setting, value, source)  # type: ignore[assignment]
    config = _checked(Config(**values, limits=limits))
    _one_place(config, sources, order)
    return Loaded(config, sources, found.links)


def _source(origin: str, name: str) -> str:
    if origin == "environment":
        return VARIABLES + name.replace(".", "_").upper()
    if origin == "flags":
        return "--limit" if name.startswith("limits.") else "--" + _FLAGS.get(name, name).replace("_", "-")
    return origin


# Flags that are given once for each value are named in the singular.
_FLAGS = {"api_keys": "api-key", "origins": "origin", "proxies": "proxy", "hosts": "allow-host"}


def _one_place(config: Config, sources: Mapping[str, str], order: Mapping[str, int]) -> None:
    """A path or a descriptor takes the place of host and port: what is as strong of these would be lost."""
    taken = "uds" if config.uds else "fd" if config.fd else None
    if taken is None:
        return
    for name in ("port", "host"):
        if order.get(name, -1) >= order[taken]:
            raise errors.ConfigError(
                f"{_where(name, sources)} and {_where(taken, sources)} both say where to listen, and {taken} "
                "takes the place of host and port: leave one out"
            )


def _where(name: str, sources: Mapping[str, str]) -> str:
    """A setting as it was written: a flag and a variable have its name in theirs."""
    source = sources[name]
    return source if source.startswith(("--", VARIABLES)) else f"{name} ({source})"


def _checked(config: Config) -> Config:
    """What a single value cannot tell."""
    if config.key and not config.certificate:
        raise errors.ConfigError("there is a key without a certificate: give the certificate too")
    if not config.host:
        raise errors.ConfigError("host is empty, and the server must listen somewhere: give an address")
    if config.uds and config.fd:
        raise errors.ConfigError("uds and fd both say what to listen on: leave one out")
    if config.reuse_port and (config.uds or config.fd):
        raise errors.ConfigError("reuse_port is about a port, and uds or fd takes its place: leave one out")
    if config.proxy_protocol and not config.proxies:
        raise errors.ConfigError(
            "proxy_protocol is on, and no proxy is named from which a PROXY header would be taken: name its "
            "network in proxies (--proxy 10.0.0.0/8)"
        )
    if config.demo and config.mount:
        raise errors.ConfigError("demo and mount both want the page at /: leave one out")
    window, notice = config.limit("resume_ms"), config.limit("ping_ms") + config.limit("silence_ms")
    if window < notice:
        raise errors.ConfigError(
            f"resume_ms is {window} ms, and must be at least ping_ms + silence_ms, {notice} ms, which it "
            "takes to notice a dead connection: else a session is gone before its client can come back"
        )
    return config


def _default_limit(name: str) -> int:
    return cast("int", LIMIT_BY_NAME[name].default)
