"""What an application's decisions mean to the core: who somebody is and until when, and what somebody may."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, Final, cast

from rtcore._engine import GRANTS
from rtcore.auth import Access, Grant, User
from rtcore.errors import UsageError

_LAST_MS: Final = 2**53 - 1  # what JSON's numbers hold exactly, in every client


def user_of(answer: Any) -> User:
    """The answer of an authenticator.

    Raises:
        UsageError: it is no user.

    """
    if not isinstance(answer, User):
        # Its type alone: it may be a token, and this is on its way to a log.
        raise UsageError(
            f"an authenticator gives rtcore.User(id), rtcore.ANONYMOUS or None (refused); "
            f"not what is of type {type(answer).__name__}"
        )
    return answer


def expires_ms(user: User) -> int | None:
    """The end of a user's token in milliseconds since 1970: from 0 to the largest that the wire has."""
    when = user.expires
    if when is None:
        return None
    seconds = when.timestamp() if isinstance(when, datetime.datetime) else when
    return int(min(max(seconds * 1000, 0), _LAST_MS))


def grant_words(grants: Iterable[str]) -> list[Grant]:
    """The words, checked.

    Raises:
        UsageError: one of them is no right.

    """
    given: object = grants
    if not isinstance(given, Iterable):
        raise UsageError(f"rights are words of {', '.join(GRANTS)}, and not {given!r}")
    words = [grants] if isinstance(grants, str) else list(grants)
    for word in words:
        if word not in GRANTS:
            raise UsageError(f"there is no right {word!r}; there are {', '.join(GRANTS)}")
    return cast("list[Grant]", words)


def access(answer: Any) -> Access | None:
    """The answer of an authorizer as what it means; None: no.

    Raises:
        UsageError: it means nothing.

    """
    if answer is True:
        return Access()
    if answer is None or answer is False:
        return None
    if isinstance(answer, Access):
        return Access(grants=None if answer.grants is None else grant_words(answer.grants), info=answer.info)
    if isinstance(answer, str | list | tuple | set | frozenset):
        return Access(grants=grant_words(answer))
    raise UsageError(
        f"an authorizer gives True, False, None, words of {', '.join(GRANTS)}, or rtcore.Access; "
        f"not {answer!r}"
    )
