"""A registration that is called wrongly names the word, the near one, and what there is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import rtcore


class Note(msgspec.Struct):
    text: str


# Type checkers would tell it before.
ROUTER: Any = rtcore.Router
KEEP: Any = rtcore.Keep

WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "rooms": (
        lambda app: app.rooms("tea", polcy="skip"),
        "`app.rooms` has no option 'polcy'; did you mean 'policy'?",
    ),
    "on": (lambda app: app.on("a", durble=True), "`app.on` has no option 'durble'; did you mean 'durable'?"),
    "stream": (lambda app: app.stream("a", awy=5), "`app.stream` has no option 'awy'; did you mean 'away'?"),
    "websocket": (lambda app: app.websocket("/a", max_mesage=5), "did you mean 'max_message'?"),
    "yjs": (lambda app: app.yjs("/a", max_mesage=5), "`app.yjs` has no option 'max_mesage'; did you mean"),
    "background": (lambda app: app.background(critcal=True), "did you mean 'critical'?"),
    "collection": (lambda app: app.collection("a", Note, stratgy="crdt"), "did you mean 'strategy'?"),
    "upgrade": (
        lambda app: app.collection("a", Note).upgrade(form_=1),
        "`collection.upgrade` has no option 'form_'",
    ),
    "Router": (
        lambda _: ROUTER(prefx="a:"),
        "`rtcore.Router` has no option 'prefx'; did you mean 'prefix'?",
    ),
    "Keep": (lambda _: KEEP(ages=1), "`rtcore.Keep` has no option 'ages'; did you mean 'age'?"),
    "far": (
        lambda app: app.on("a", zzz=1),
        "`app.on` has no option 'zzz'; there are event, concurrency, durable",
    ),
    "nothing": (lambda app: app.rooms(), "`app.rooms` is not told pattern"),
    "parentheses": (lambda app: app.authenticate(), "write `@app.authenticate`, without parentheses"),
    "half": (lambda app: app.override(len), "`app.override` is not told instead"),
    "by place": (
        lambda app: app.rooms("tea", True),
        "`app.rooms` takes pattern by place, and the rest by name, as `publish=...`; 2 are given by place",
    ),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, rtcore.App) for name in WRONG),
        *((name, rtcore.Router) for name in ("rooms", "on", "stream", "websocket", "background")),
    ],
)
def test_a_wrong_call_is_told_in_words(name: str, kind: Callable[[], Any]) -> None:
    call, says = WRONG[name]
    with pytest.raises(rtcore.UsageError) as raised:
        call(kind())
    assert says in str(raised.value)


def test_an_error_from_within_stays_what_it_is() -> None:
    """A type error from inside the call must not be taken for one of how it is called."""

    class Words(dict[str, Any]):
        def items(self) -> Any:
            raise TypeError("from inside")

    with pytest.raises(TypeError, match="from inside"):
        rtcore.App().rooms("tea", publish=Words())


def test_what_editors_show_is_the_method_itself() -> None:
    assert list(inspect.signature(rtcore.App.rooms).parameters)[:3] == ["self", "pattern", "relay"]
    assert (rtcore.App.rooms.__doc__ or "").startswith("Settings of the rooms")


def test_a_type_of_the_function_that_registers_is_found() -> None:
    """The frames of the wrapper are not the caller's."""

    class Here(msgspec.Struct):
        text: str

    app = rtcore.App()

    @app.on("a")
    def a(session: rtcore.Session, data: Here) -> None: ...

    assert app._registry.handlers[0].decoder.type is Here
