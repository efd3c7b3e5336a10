"""The flags that set something: the same names as in the file and the environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rtcore import errors
from rtcore._settings import BY_NAME
from rtcore.config import FILE, Loaded, load

F = TypeVar("F", bound=Callable[..., Any])

# Flag, name of the setting, and what stands for its value in the help.
_FLAGS = (
    ("--host", "host", "ADDRESS"),
    ("--port", "port", "NUMBER"),
    ("--mount", "mount", "MODULE:NAME"),
    ("--origin", "origins", "ORIGIN"),
    ("--allow-host", "hosts", "NAME"),
    ("--proxy", "proxies", "NETWORK"),
    ("--certificate", "certificate", "FILE"),
    ("--key", "key", "FILE"),
    ("--log-level", "log_level", "LEVEL"),
    ("--log-format", "log_format", "text|json"),
    ("--linger", "linger", "TIME"),
    ("--api-key", "api_keys", "KEY"),
    ("--http-connections", "http_connections", "NUMBER"),
)
_SWITCHES = (("--access-log/--no-access-log", "access_log"), ("--metrics/--no-metrics", "metrics"))


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
        command = click.option(flag, name, metavar=shown, multiple=many, help=_help(name) + more)(command)
    return click.option(
        "--config",
        "file",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"Settings in TOML.  [default: {FILE} in the current directory, if it is there]",
    )(command)


def effective(file: Path | None, flags: dict[str, Any]) -> Loaded:
    """The configuration in effect; what is wrong with it ends the command with a sentence."""
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    if file is None and Path(FILE).is_file():
        file = Path(FILE)
    try:
        if "limits" in given:
            given["limits"] = dict(_pair(each) for each in given["limits"])
        return load(given, environment=os.environ, file=file)
    except errors.ConfigError as error:
        raise click.ClickException(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise errors.ConfigError(f"--limit {text} has no value: write it as --limit {name}=VALUE")
    return name.strip(), value.strip()


def _help(name: str) -> str:
    setting = BY_NAME[name]
    about = setting.help[0].upper() + setting.help[1:] + "."
    default = setting.default
    if default in (None, ()):
        return about
    shown = ", ".join(default) if isinstance(default, tuple) else str(default).lower()
    return f"{about}  [default: {shown}]"
