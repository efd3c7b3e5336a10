"""What the environment sets: `RTCORE_PORT`, `RTCORE_LIMITS_PING_MS`, and what only looks like it.

Kubernetes gives every pod variables of each Service of its namespace, and Docker those of each link, named
after the Service: one called `rtcore` gives `RTCORE_PORT=tcp://10.43.7.9:8000`, `RTCORE_SERVICE_HOST` and
others, one called `rtcore-redis` gives `RTCORE_REDIS_PORT`. Nobody wrote them for us, so they set nothing.
What else begins with `RTCORE_` was written for us; a name that we do not know is a slip of the pen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rtcore import errors

from .settings import BY_NAME, LIMIT_BY_NAME, nearest

PREFIX: Final = "RTCORE_"
LIMITS_PREFIX: Final = "RTCORE_LIMITS_"
# Variables with our prefix that are no settings: which way handlers' tasks are woken (for tests).
_OTHERS: Final = ("RTCORE_STEP",)
# The byte-order mark that some editors set at the beginning of an env file.
_MARK: Final = "\ufeff"
# What follows the name of a Service (k8s.io/kubernetes/pkg/kubelet/envvars) or of a container that is linked.
_LINK: Final = re.compile(
    r"(?:[A-Z0-9_]*_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR|START|END))?|ENV_\w+)"
)
# Those of their names that could be ours too, told by their values: `tcp://10.43.7.9:8000`, `/web/rtcore`.
_PLACE: Final = re.compile(r"(?:[A-Z0-9_]*_)?PORT(?:_START|_END)?=(?:tcp|udp|sctp)://|(?:[A-Z0-9_]*_)?NAME=/")


class Environment(NamedTuple):
    """What was read of it."""

    table: dict[str, Any]
    """By the names of settings, limits in a table of their own, as in the file."""
    links: tuple[str, ...]
    """Variables of a Service or a link, which set nothing."""


def read_environment(environment: Mapping[str, str]) -> Environment:
    """What the environment sets. Raises `ConfigError` for a variable of ours that sets nothing."""
    table: dict[str, Any] = {}
    limits: dict[str, str] = {}
    links: list[str] = []
    for written, value in environment.items():
        variable = written.removeprefix(_MARK)  # the first line of a file that began with one
        if not variable.startswith(PREFIX) or variable in _OTHERS:
            continue
        if is_link(variable, value):
            links.append(variable)
            continue
        if variable.startswith(LIMITS_PREFIX):
            name, known, into = variable.removeprefix(LIMITS_PREFIX).lower(), LIMIT_BY_NAME, limits
        else:
            name, known, into = variable.removeprefix(PREFIX).lower(), BY_NAME, table
        if name not in known:
            raise errors.ConfigError(f"environment: nothing is set by {variable}{_meant(variable, name)}")
        into[name] = value
    return Environment({**table, "limits": limits}, tuple(links))


def _meant(variable: str, name: str) -> str:
    """A hint at the nearest variable: the same name, of a setting or a limit, else the nearest by letters."""
    settings, limits = (
        {each: prefix + each.upper() for each in known}
        for prefix, known in ((PREFIX, BY_NAME), (LIMITS_PREFIX, LIMIT_BY_NAME))
    )
    same = settings.get(name) or limits.get(name)
    return f"; did you mean {same!r}?" if same else nearest(variable, [*settings.values(), *limits.values()])


def is_link(variable: str, value: str) -> bool:
    """Whether Kubernetes or Docker has set it, for a Service or a container with a name like ours."""
    name = variable.removeprefix(PREFIX)
    return _LINK.fullmatch(name) is not None or _PLACE.match(f"{name}={value}") is not None
