"""What is typed as values, and what peers said as it may stand on a terminal."""

from __future__ import annotations

import json
import math
from typing import Any

import click


def value_of(text: str) -> Any:
    """JSON, or else the text itself: what no peer could read (`NaN`, `1e400`) is text, too."""
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def shown(text: str) -> str:
    """A text as one line of what can be seen: a terminal would obey the rest."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class Seconds(click.ParamType[float]):
    """A time: finite, and not below 0."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read one."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= 0):
            self.fail(f"{value!r:.40} is no number of seconds, 0 or more", param, ctx)
        return seconds


def duration(ms: float | None) -> str:
    """Milliseconds, as people read them."""
    if ms is None:
        return "-"
    if ms >= 1000:
        return f"{ms / 1000:.1f} s"
    return f"{ms:.1f} ms" if ms >= 1 else f"{ms * 1000:.0f} us"


def ago(seconds: float) -> str:
    """Seconds, as people read them."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
