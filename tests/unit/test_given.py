"""What the ways to serve are given: what is mounted is an ASGI application, as far as can be seen."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import rtcore
from rtcore._serve.given import settled


async def site(scope: Any, receive: Any, send: Any) -> None: ...


class Site:
    def __init__(self, *_: Any) -> None: ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def handle(self, scope: Any, receive: Any, send: Any) -> None: ...

    def make(self) -> None: ...


class Old:
    """What `Old(scope, receive, send)` gives is awaited, as Starlette's endpoints are."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Any:
        yield


def view(request: Any) -> None: ...


@functools.wraps(view)
async def wrapping(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize(
    "mount",
    [
        None,
        site,
        Site(),
        Site().handle,
        Old,
        functools.partial(site),
        functools.partial(Site().handle),
        wrapping,
        lambda *args: site(*args),
        lambda scope, receive, send, more=None: site(scope, receive, send),
        staticmethod(site),
    ],
)
def test_what_can_be_called_as_one_is_mounted(mount: Any) -> None:
    settled(rtcore.App(), None, mount, {})


@pytest.mark.parametrize(
    ("mount", "says"),
    [
        (view, r"<function view.* is a function that does not take \(scope, receive, send\)"),
        (lambda: site, r"is a function that does not take"),
        (Site().make, r"is a method that does not take"),
        (rtcore.App(), "is an rtcore.App: serve that, and mount another application beside it"),
        ("web:site", "'web:site' cannot be called"),
    ],
)
def test_what_cannot_is_refused_before_anything_is_served(mount: Any, says: str) -> None:
    with pytest.raises(rtcore.UsageError, match=says):
        settled(rtcore.App(), None, mount, {})
