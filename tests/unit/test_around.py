"""What surrounds an application's functions, used the wrong way: refused where it is written."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

import pytest

import rtcore
from rtcore._app.registry import registered
from rtcore.testing import memory_server


def _bad(app: rtcore.App) -> dict[str, tuple[Callable[[], Any], str]]:
    def one(call: Any) -> None: ...
    def turned(next: Any, call: Any) -> None: ...  # noqa: A002 - what it is called
    def yields(call: Any, next: Any) -> Iterator[None]:  # noqa: A002 - what it is called
        yield

    async def pages(call: Any, next: Any) -> AsyncIterator[None]:  # noqa: A002 - what it is called
        yield

    def good(call: Any, error: Any) -> None: ...
    def swapped(error: Any, call: Any) -> None: ...

    def twice() -> None:
        app.on_error(ValueError)(good)
        app.on_error(KeyError, ValueError)(good)

    def of_nobody(number: int) -> int:
        return number

    def by_place(session: rtcore.Session, /) -> int:
        return 1

    def given(parameter: Any) -> Callable[[], Any]:
        def handler(session: Any, it: Any) -> None: ...

        handler.__annotations__["it"] = parameter
        return lambda: app.on("e")(handler)

    def defaulted() -> None:
        def handler(session: Any, *, it: Any = rtcore.Depends(dict)) -> None: ...  # noqa: B008 - the slip

        app.on("e")(handler)

    def circle() -> None:
        def first(second: int) -> int:
            return 1

        def second(first: int) -> int:
            return 1

        second.__annotations__["first"] = Annotated[int, rtcore.Depends(first)]
        first.__annotations__["second"] = Annotated[int, rtcore.Depends(second)]
        given(Annotated[int, rtcore.Depends(first)])()

    return {
        "middleware of one": (lambda: app.middleware(one), r"a middleware takes \(call, next\)"),
        "middleware the other way": (lambda: app.middleware(turned), "the other way"),
        "middleware that yields": (lambda: app.middleware(yields), "yields"),
        "middleware that yields later": (lambda: app.middleware(pages), "yields"),
        "middleware twice": (lambda: [app.middleware(good), app.middleware(good)], "registered .* already"),
        "middleware with parentheses": (lambda: app.middleware(), "without parentheses"),  # type: ignore[call-arg]
        "no class": (lambda: app.on_error(), "is given no class"),
        "bare": (lambda: app.on_error(good), "stands without its class"),  # type: ignore[arg-type]
        "no exception": (lambda: app.on_error(int), "int, which is no Exception"),  # type: ignore[arg-type]
        "cancelled": (lambda: app.on_error(KeyboardInterrupt), "no Exception"),  # type: ignore[arg-type]
        "errors the other way": (lambda: app.on_error(ValueError)(swapped), "the other way"),
        "an error twice": (twice, "answers for ValueError already"),
        "no function": (lambda: rtcore.Depends(3), "takes a function"),  # type: ignore[arg-type]
        "a default": (defaulted, "as its default: write `it: Annotated"),
        "alone": (given(rtcore.Depends(dict)), "annotated with a dependency alone"),
        "two": (given(Annotated[int, rtcore.Depends(dict), rtcore.Depends(list)]), "has 2 dependencies"),
        "nobody gives it": (given(Annotated[int, rtcore.Depends(of_nobody)]), "takes 'number', and nobody"),
        "by place alone": (given(Annotated[int, rtcore.Depends(by_place)]), "drop the `/`"),
        "itself": (circle, "a dependency needs itself: .*first -> .*second -> .*first"),
        "stand-in": (lambda: app.override(dict, of_nobody), "takes no arguments"),
    }


_NAMES = list(_bad(rtcore.App()))


@pytest.mark.parametrize("name", _NAMES)
def test_what_cannot_be_is_refused_where_it_is_written(name: str) -> None:
    make, text = _bad(rtcore.App())[name]
    with pytest.raises((rtcore.UsageError, TypeError), match=text):
        make()


def test_what_is_not_used_costs_nothing() -> None:
    """Without middleware, error handlers and dependencies a function is called as it is."""
    app = rtcore.App()

    @app.on("e")
    def handler(session: rtcore.Session) -> None: ...

    @app.authorize()
    def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        return True

    found = registered(app)
    found.plan()
    authorizer = found.authorizers.find("x")
    assert found.handlers[0].run is handler
    assert authorizer is not None
    assert authorizer.run is enter


def test_a_plain_handler_runs_in_the_turn_unless_something_waits() -> None:
    async def later() -> int:
        return 1

    def now() -> int:
        return 1

    app = rtcore.App()

    @app.on("now")
    def takes_now(session: rtcore.Session, one: Annotated[int, rtcore.Depends(now)]) -> int:
        return one

    @app.on("later")
    def takes_later(session: rtcore.Session, one: Annotated[int, rtcore.Depends(later)]) -> int:
        return one

    registered(app).plan()
    assert [handler.plain for handler in registered(app).handlers] == [True, False]

    @rtcore.App.middleware.__get__(other := rtcore.App())
    async def around(call: rtcore.Call, next: rtcore.Next) -> Any:  # noqa: A002 - what it is called
        return await next(call)

    other.on("now")(takes_now)
    registered(other).plan()
    assert not registered(other).handlers[0].plain


def test_a_stand_in_is_used_wherever_the_dependency_is_named() -> None:
    numbers = itertools.count()

    def real() -> int:
        raise AssertionError("it is stood in for")

    def above(it: Annotated[int, rtcore.Depends(real)]) -> int:
        return it * 10

    app = rtcore.App()

    @app.on("e")
    def handler(
        session: Any,
        first: Annotated[int, rtcore.Depends(real)],
        second: Annotated[int, rtcore.Depends(above)],
        fresh: Annotated[int, rtcore.Depends(real, cache=False)],
    ) -> tuple[int, int, int]:
        return first, second, fresh

    app.override(real, lambda: next(numbers) + 5)
    registered(app).plan()
    assert registered(app).handlers[0].run(None) == (5, 50, 6)


@pytest.mark.parametrize("later", [False, True])
async def test_a_context_manager_is_a_dependency_as_the_generator_below_it(later: bool) -> None:
    """It was wrapped a second time, and failed at each call."""
    told: list[str] = []

    @contextmanager
    def now() -> Iterator[int]:
        yield 1
        told.append("now")

    @asynccontextmanager
    async def then() -> AsyncIterator[int]:
        yield 1
        told.append("then")

    app = rtcore.App()

    @app.on("e")
    def handler(session: rtcore.Session, one: Annotated[int, rtcore.Depends(then if later else now)]) -> int:
        return one

    async with memory_server(app) as server:
        client = await server.welcomed()
        assert await client.ask("emit", event="e") == 1
    assert told == ["then" if later else "now"]
