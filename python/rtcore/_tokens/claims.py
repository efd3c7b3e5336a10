"""What a token says, checked: that each claim is of the kind that it must be (RFC 7519 §4.1), and whether it
is for us, from whom we trust, and good now.

A date is a number, finite and no text; so an `exp` of `"1e9"`, `Infinity` or `true` is no end at all, and is
refused by name. What is wrong is told to the peer, so it names the claim and shows what was found, in bounds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from rtcore._ground.numbers import FIXED
from rtcore.errors import Refuse

AHEAD: Final = float(FIXED["TOKEN_AHEAD_S"])
"""Seconds by which the clock of a token's issuer may be ahead of ours, whatever leeway is given: a
token that was made this very moment is good."""
_SHOWN: Final = 40
_KINDS: Final = {str: "a text", bool: "a truth value", list: "a list", dict: "an object", type(None): "null"}


class Wanted(NamedTuple):
    """What tokens must say. `audience` and `issuer`: one of these; None: none at all, or anybody."""

    audience: Collection[str] | None
    issuer: Collection[str] | None
    leeway: float
    require: Collection[str]


def check(claims: Mapping[str, Any], wanted: Wanted, now: float) -> None:
    """Raises Refuse: `UNAUTHORIZED`, with what is wrong. With `retry` where another token, or time, helps."""
    for name in wanted.require:
        if claims.get(name) is None:
            raise _missing(name)
    ahead = now + max(AHEAD, wanted.leeway)
    for name in ("iat", "nbf"):
        if name in claims and _date(claims, name) > ahead:
            raise Refuse("UNAUTHORIZED", f"the token is not valid yet: its `{name}` is to come", retry=True)
    if claims.get("exp") is not None and _date(claims, "exp") + wanted.leeway <= now:
        raise Refuse("UNAUTHORIZED", "the token has expired", retry=True)
    if wanted.issuer is not None and _text(claims, "iss") not in wanted.issuer:
        raise Refuse("UNAUTHORIZED", "the token is not from the issuer that is trusted here")
    audience = _audience(claims)
    if wanted.audience is None:
        if audience:
            raise _not_ours()
    elif not audience:
        raise _missing("aud")
    elif not any(name in wanted.audience for name in audience):
        raise _not_ours()
    if claims.get("sub") is not None:
        _text(claims, "sub")


def end(claims: Mapping[str, Any], leeway: float, never: float) -> float | None:
    """When a checked token's rights end, in seconds since 1970; what no clock can show is `never`."""
    exp = claims.get("exp")
    return None if exp is None else never if exp > never else min(float(exp) + leeway, never)


def _date(claims: Mapping[str, Any], name: str) -> float | int:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(_float(value)):
        raise _kind(name, value, "a number: seconds since 1970")
    return value


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer that no clock can show is a date all the same
        return 0.0


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if value is None:
        raise _missing(name)
    if not isinstance(value, str):
        raise _kind(name, value, "a text")
    return value


def _audience(claims: Mapping[str, Any]) -> list[str]:
    value = claims.get("aud")
    names = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _kind("aud", value, "a text, or a list of texts")
    return [name for name in names if name]


def _missing(name: str) -> Refuse:
    return Refuse("UNAUTHORIZED", f"the token has no `{name}`, and must have one")


def _not_ours() -> Refuse:
    return Refuse("UNAUTHORIZED", "the token is for somebody else: its `aud` is not ours")


def _kind(name: str, value: Any, wanted: str) -> Refuse:
    found = ascii(value) if isinstance(value, float | str) else _KINDS.get(type(value), "")
    if type(value) is int:
        found = str(value) if abs(value) < 10**_SHOWN else "a number of many digits"
    if len(found) > _SHOWN:
        found = f"{found[:_SHOWN]}…"
    return Refuse("UNAUTHORIZED", f"the token's `{name}` is {found}, and must be {wanted}")
