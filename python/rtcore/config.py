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

import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from . import errors
from ._engine import CoreSettings
from ._settings import BY_NAME, LIMIT_BY_NAME, LIMIT_SETTINGS, SETTINGS, find, nearest, read
from .api.keys import ApiKey

PREFIX = "/rt/"
FILE = "rtcore.toml"
_ENVIRONMENT = "RTCORE_"
_LIMITS_ENVIRONMENT = "RTCORE_LIMITS_"
# Variables with our prefix that are no settings: which way handlers' tasks are woken (for tests).
_OTHER_VARIABLES = ("RTCORE_STEP",)


class Config(msgspec.Struct, kw_only=True, frozen=True):
    """All that may be set of a server. `rtcore config` prints what is in effect, and why.

    Make one with `Config.of(port=9000, limits={"ping_ms": "10 s"})` or `load`, which check each value.
    """

    host: tuple[str, ...] = ("127.0.0.1",)
    port: int = 8000
    mount: str | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None
    log_level: str = "info"
    log_format: str = "text"
    access_log: bool = False
    metrics: bool = True
    token_in_url: bool = False
    demo: bool = False
    api_keys: tuple[ApiKey, ...] = ()
    http_connections: int = 1000
    linger: int = 50
    limits: dict[str, int] = {}

    @classmethod
    def of(cls, **settings: object) -> Config:
        """A configuration from keyword arguments alone, written as in the file. Raises `ConfigError`."""
        return load(settings, environment={}, file=None).config

    def limit(self, name: str) -> int:
        """The value of a limit, set or default."""
        return self.limits.get(name, _default_limit(name))

    @property
    def grace(self) -> float:
        """How long shutdown may take, in seconds."""
        return self.limit("grace_ms") / 1000

    def core_settings(self, addresses: tuple[str, ...]) -> CoreSettings:
        """What the core must know, when the server listens on these addresses."""
        return CoreSettings(
            limits=dict(self.limits),
            origins=self.origins,
            hosts=self.hosts,
            proxies=self.proxies,
            loopback_only=all(_is_loopback(address) for address in addresses),
            backend=True,
            token_in_url=self.token_in_url,
            linger_us=self.linger,
        )


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, and for each name (limits as `limits.NAME`) where its value is from."""

    config: Config
    sources: dict[str, str]

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


def load(flags: Mapping[str, object], *, environment: Mapping[str, str], file: Path | None) -> Loaded:
    """The configuration in effect.

    `flags` has names of settings and, under `limits`, a mapping of limits; `None` means "not given". `file`
    is a TOML file, or None for none. Raises `rtcore.errors.ConfigError` for what cannot be read, an unknown
    name (it names the nearest known one) or a value of the wrong kind.
    """
    values: dict[str, Any] = {}
    limits: dict[str, int] = {}
    sources: dict[str, str] = {}
    for origin, table in (
        (FILE if file is None else file.name, {} if file is None else _read_file(file)),
        ("environment", _read_environment(environment)),
        ("flags", {name: value for name, value in flags.items() if value is not None}),
    ):
        inner = table.pop("limits", {})
        if not isinstance(inner, Mapping):
            raise errors.ConfigError(
                f"{origin}: limits is {inner!r}, and must be a table of names and values"
            )
        for name, value in table.items():
            setting = find(name, BY_NAME, "setting", origin)
            values[name] = read(setting, value, origin)
            sources[name] = _source(origin, name)
        for name, value in inner.items():
            setting = find(name, LIMIT_BY_NAME, "limit", origin)
            limits[name] = read(setting, value, origin)  # type: ignore[assignment]
            sources[f"limits.{name}"] = _source(origin, f"limits.{name}")
    return Loaded(_checked(Config(**values, limits=limits)), sources)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            table = tomllib.load(opened)
    except OSError as error:
        raise errors.ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise errors.ConfigError(f"{file} is not TOML: {error}") from None
    # Paths in the file are seen from the file, wherever the server is started.
    for name in ("certificate", "key"):
        if isinstance(table.get(name), str):
            table[name] = str(file.parent / Path(table[name]).expanduser())
    return table


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    limits: dict[str, str] = {}
    for variable, value in environment.items():
        if not variable.startswith(_ENVIRONMENT) or variable in _OTHER_VARIABLES:
            continue
        if variable.startswith(_LIMITS_ENVIRONMENT):
            name, known, into = variable.removeprefix(_LIMITS_ENVIRONMENT).lower(), LIMIT_BY_NAME, limits
        else:
            name, known, into = variable.removeprefix(_ENVIRONMENT).lower(), BY_NAME, table
        if name not in known:
            variables = [variable[: -len(name)] + each.upper() for each in known]
            raise errors.ConfigError(
                f"environment: nothing is set by {variable}{nearest(variable, variables)}"
            )
        into[name] = value
    return {**table, "limits": limits}


def _source(origin: str, name: str) -> str:
    if origin == "environment":
        return _ENVIRONMENT + name.replace(".", "_").upper()
    if origin == "flags":
        return "--limit" if name.startswith("limits.") else "--" + _FLAGS.get(name, name).replace("_", "-")
    return origin


# Flags that are given once for each value are named in the singular.
_FLAGS = {"api_keys": "api-key", "origins": "origin", "proxies": "proxy", "hosts": "allow-host"}


def _checked(config: Config) -> Config:
    """What a single value cannot tell."""
    if config.key and not config.certificate:
        raise errors.ConfigError("there is a key without a certificate: give the certificate too")
    if not config.host:
        raise errors.ConfigError("host is empty, and the server must listen somewhere: give an address")
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


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
