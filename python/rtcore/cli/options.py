"""The flags that set something: the same names as in the file and the environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rtcore import errors
from rtcore._config.settings import BY_NAME
from rtcore.config import FILE, Loaded, load

from .wrong import Wrong

F = TypeVar("F", bound=Callable[..., Any])

# Flag, name of the setting, and what stands for its value in the help.
_FLAGS = (
    ("--host", "host", "ADDRESS"),
    ("--port", "port", "NUMBER"),
    ("--uds", "uds", "PATH"),
    ("--fd", "fd", "NUMBER"),
    ("--mount", "mount", "MODULE:NAME"),
    ("--data", "data", "FOLDER"),
    ("--origin", "origins", "ORIGIN"),
    ("--allow-host", "hosts", "NAME"),
    ("--proxy", "proxies", "NETWORK"),
    ("--forwarded", "forwarded", "HEADER"),
    ("--certificate", "certificate", "FILE"),
    ("--key", "key", "FILE"),
    ("--log-level", "log_level", "LEVEL"),
    ("--log-format", "log_format", "text|json"),
    ("--linger", "linger", "TIME"),
    ("--api-key", "api_keys", "KEY"),
    ("--http-connections", "http_connections", "NUMBER"),
)
_SWITCHES = (
    ("--access-log/--no-access-log", "access_log"),
    ("--metrics/--no-metrics", "metrics"),
    ("--reuse-port/--no-reuse-port", "reuse_port"),
    ("--proxy-protocol/--no-proxy-protocol", "proxy_protocol"),
)


def settings(command: F) -> F:
    """Give a command all the flags that set something."""
    for flag, name in reversed(_SWITCHES):
        command = click.option(flag, name, default=None, help=_help(name))(command)
    command = click.option(
        "--limit",
        "limits",
        metavar="NAME=VALUE",
        multiple=True,
        help="A limit of the core, such as ping_ms=10s or max_message=4MiB; `rtcore config` lists them.",
    )(command)
    for flag, name, shown in reversed(_FLAGS):
        many = isinstance(BY_NAME[name].default, tuple)
        more = " May be given more than once." if many else ""
        command = click.option(
            flag,
            name,
            metavar=shown,
            multiple=True,
            callback=None if many else _once,
            help=_help(name) + more,
        )(command)
    return click.option(
        "--config",
        "file",
        metavar="FILE",
        multiple=True,
        callback=_once,
        type=click.Path(path_type=Path),
        help=f"Settings in TOML.  [default: {FILE} in the current directory, if it is there]",
    )(command)


def effective(file: Path | None, flags: dict[str, Any]) -> Loaded:
    """The configuration in effect; what is wrong with it ends the command with a sentence."""
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    if file is None and os.path.lexists(FILE):
        file = Path(FILE)
    try:
        if "limits" in given:
            given["limits"] = _limits(given["limits"])
        return load(given, environment=os.environ, file=file)
    except errors.ConfigError as error:
        raise Wrong(str(error)) from None


def _once(_: click.Context, option: click.Parameter, given: tuple[Any, ...]) -> Any:
    """The one value of a flag. Of two, one would be lost without a word."""
    if len(given) > 1:
        name = option.opts[0]
        raise Wrong(
            f"{name} is given {len(given)} times, and counts once: {' and '.join(map(repr, given[:2]))}"
        )
    return given[0] if given else None


def _limits(given: tuple[str, ...]) -> dict[str, str]:
    limits: dict[str, str] = {}
    for name, value in map(_pair, given):
        if name in limits:
            raise errors.ConfigError(
                f"--limit {name} is given twice, and counts once: {limits[name]!r} and {value!r}"
            )
        limits[name] = value
    return limits


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise errors.ConfigError(f"--limit {text} has no value: write it as --limit {name or 'NAME'}=VALUE")
    return name.strip(), value.strip()


def _help(name: str) -> str:
    setting = BY_NAME[name]
    about = setting.help[0].upper() + setting.help[1:] + "."
    default = setting.default
    if default in (None, ()):
        return about
    shown = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default).lower()
    return f"{about}  [default: {shown}]"
