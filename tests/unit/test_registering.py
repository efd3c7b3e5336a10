"""What cannot be is refused when it is registered: never taken, to do nothing or to fail at each peer."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import pytest

import rtcore
from rtcore import App, Hello, Items, Join, Room, Session, UsageError, User
from rtcore._app.registry import registered


class Model:
    """As another library makes them: msgspec knows nothing of it."""

    def __init__(self, tea: str) -> None:
        self.tea = tea


class Order(msgspec.Struct):
    tea: str


class Node(msgspec.Struct):
    inside: list[Model]


def session_only(session: Session) -> None: ...
def swapped(data: dict[str, int], session: Session) -> None: ...
def data_first(order: Order, other: Any) -> None: ...
def unreadable(session: Session, data: Model) -> None: ...
def unreadable_inside(session: Session, data: dict[str, list[Node]]) -> None: ...
def no_session(order: Order) -> None: ...
def yields(session: Session) -> Iterator[int]:
    yield 1


async def yields_later(session: Session) -> AsyncIterator[int]:
    yield 1


async def up(session: Session, items: Items[Model]) -> None: ...
async def up_swapped(items: Items[int], session: Session) -> None: ...
async def up_mixed(session: Session, items: Items[int], data: Order) -> None: ...
async def later(app: App) -> None: ...
def now(app: App) -> None: ...


PARENTHESES: list[Callable[[App], Any]] = [
    lambda app: app.authorize(session_only),  # type: ignore[arg-type]
    lambda app: app.on(session_only),  # type: ignore[arg-type]
    lambda app: app.state(session_only),  # type: ignore[arg-type]
    lambda app: app.stream(session_only),  # type: ignore[arg-type]
    lambda app: app.websocket(session_only),  # type: ignore[arg-type]
    lambda app: app.rooms(session_only),  # type: ignore[arg-type]
    lambda app: app.on(Order),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("wrong", PARENTHESES)
def test_a_decorator_without_its_parentheses_is_refused(wrong: Callable[[App], Any]) -> None:
    """`@app.authorize` registered nobody, and everybody might join."""
    app = App()
    with pytest.raises(UsageError, match="without parentheses"):
        wrong(app)
    assert registered(app).plan().rooms == []


WRONG: dict[str, Callable[[App], Any]] = {
    "on: a number": lambda app: app.on(5),  # type: ignore[arg-type]
    "on: None": lambda app: app.on(None),  # type: ignore[arg-type]
    "on: nothing": lambda app: app.on(""),
    "on: long": lambda app: app.on("x" * 256),
    "on: a line": lambda app: app.on("a\nb"),
    "on: a surrogate": lambda app: app.on("\ud800"),
    "on: ours": lambda app: app.on("$x"),
    "on: swapped": lambda app: app.on("x")(swapped),
    "on: data first": lambda app: app.on("x")(data_first),
    "on: no session": lambda app: app.on("x")(no_session),
    "on: unreadable": lambda app: app.on("x")(unreadable),
    "on: unreadable inside": lambda app: app.on("x")(unreadable_inside),
    "on: a class": lambda app: app.on("x")(Order),
    "on: yields": lambda app: app.on("x")(yields_later),
    "on: no function": lambda app: app.on("x")("y"),  # type: ignore[type-var]
    "on: concurrency": lambda app: app.on("x", concurrency=True)(later),
    "authorize: a class": lambda app: app.authorize("r")(Order),
    "authorize: a number": lambda app: app.authorize(5),  # type: ignore[arg-type]
    "authorize: swapped": lambda app: app.authorize("r")(lambda join, session: True),
    "authorize: swapped types": lambda app: app.authorize("r")(authorize_swapped),
    "authorize: yields": lambda app: app.authorize("r")(authorize_yields),
    "authenticate: a class": lambda app: app.authenticate(Order),
    "authenticate: text": lambda app: app.authenticate("who"),  # type: ignore[type-var]
    "authenticate: called": lambda app: app.authenticate(User("a")),  # type: ignore[type-var]
    "state: swapped": lambda app: app.state("r")(lambda session, room: None),
    "state: a wait": lambda app: app.state("r")(state_later),
    "stream: plain": lambda app: app.stream("s")(session_only),
    "stream: a class": lambda app: app.stream("s")(Order),
    "stream: items unreadable": lambda app: app.stream("s")(up),
    "stream: swapped": lambda app: app.stream("s")(up_swapped),
    "stream: mixed": lambda app: app.stream("s")(up_mixed),
    "stream: a number": lambda app: app.stream(5),  # type: ignore[arg-type]
    "rooms: a number": lambda app: app.rooms(5),  # type: ignore[arg-type]
    "rooms: nothing": lambda app: app.rooms(""),
    "rooms: history": lambda app: app.rooms("r", history="many"),  # type: ignore[arg-type]
    "rooms: half a history": lambda app: app.rooms("r", history=1.5),  # type: ignore[arg-type]
    "rooms: bytes": lambda app: app.rooms("r", bytes=-1),
    "rooms: age": lambda app: app.rooms("r", age=float("nan")),
    "rooms: endless age": lambda app: app.rooms("r", age=float("inf")),
    "rooms: relay": lambda app: app.rooms("r", relay="yes"),  # type: ignore[arg-type]
    "rooms: key": lambda app: app.rooms("r", key=5),  # type: ignore[arg-type]
    "rooms: a key for nothing": lambda app: app.rooms("r", key="name"),
    "rooms: ours": lambda app: app.rooms("$all", history=5),
    "rooms: policy": lambda app: app.rooms("r", policy=None),  # type: ignore[arg-type]
    "rooms: grants": lambda app: app.rooms("r", grants=5),  # type: ignore[arg-type]
    "rooms: a grant": lambda app: app.rooms("r", grants=[None]),  # type: ignore[list-item]
    "websocket: a number": lambda app: app.websocket(5),  # type: ignore[arg-type]
    "websocket: a space": lambda app: app.websocket("/a b"),
    "websocket: a query": lambda app: app.websocket("/a?b"),
    "websocket: a pattern": lambda app: app.websocket("/rooms/{name}"),
    "websocket: a pattern of Flask": lambda app: app.websocket("/rooms/<name>"),
    "websocket: a line": lambda app: app.websocket("/a\r\nb"),
    "websocket: max_message": lambda app: app.websocket("/a", max_message=0),
    "websocket: yields": lambda app: app.websocket("/a")(yields_later),
    "websocket: a class": lambda app: app.websocket("/a")(Order),
    "background: plain": lambda app: app.background(now),
    "background: called": lambda app: app.background(5),  # type: ignore[call-overload]
    "background: critical": lambda app: app.background(critical="yes")(later),  # type: ignore[call-overload]
    "background: twice": lambda app: (app.background(later), app.background(later)),
    "lifespan: a coroutine": lambda app: app.lifespan(later),
    "lifespan: plain yield": lambda app: app.lifespan(yields),
    "lifespan: twice": lambda app: (app.lifespan(span), app.lifespan(span)),
    "on_connect: a class": lambda app: app.on_connect(Order),
    "on_connect: data": lambda app: app.on_connect(no_session),
    "on_connect: yields": lambda app: app.on_connect(yields),
    "on_connect: twice": lambda app: (app.on_connect(session_only), app.on_connect(session_only)),
    "on_disconnect: swapped": lambda app: app.on_disconnect(lambda reason, session: None),
    "on_disconnect: twice": lambda app: (app.on_disconnect(session_only), app.on_disconnect(session_only)),
    "asgi: no application": lambda app: rtcore.asgi(now),  # type: ignore[arg-type]
    "asgi: what is mounted": lambda app: rtcore.asgi(app, mount="site"),  # type: ignore[arg-type]
    "asgi: ours mounted": lambda app: rtcore.asgi(app, mount=App()),  # type: ignore[arg-type]
    "asgi: no config": lambda app: rtcore.asgi(app, 5),  # type: ignore[arg-type]
    "asgi: an unknown setting": lambda app: rtcore.asgi(app, prot=5),
    "run: no application": lambda app: rtcore.run(now),  # type: ignore[arg-type]
    "run: what is mounted": lambda app: rtcore.run(app, mount=5),  # type: ignore[arg-type]
}


def authorize_swapped(wish: Join, other: Session) -> bool:
    return True


def authorize_yields(session: Session, join: Join) -> Iterator[bool]:
    yield True


async def state_later(room: Room) -> None: ...


async def span(app: App) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_at_once(wrong: Callable[[App], Any]) -> None:
    with pytest.raises(UsageError) as caught:
        wrong(App())
    assert str(caught.value)


def test_who_registers_a_type_that_no_peer_can_say_is_told_its_name() -> None:
    """Every client was told that it is at fault, and the log said nothing."""
    with pytest.raises(UsageError, match="Model"):
        App().on("x")(unreadable_inside)


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        return function(*args, **options)

    return wrapper


def test_what_is_right_is_taken_decorated_or_not() -> None:
    app = App()

    @app.authenticate
    @logged
    async def who(hello: Hello) -> User:
        return User("ann")

    @app.authorize()
    @logged
    def may(session: Session, join: Join) -> bool:
        return True

    @app.on("a")
    @app.on("b")
    @logged
    async def order(session: Session, data: Order) -> None: ...

    @app.stream("down")
    @logged
    async def down(session: Session) -> AsyncIterator[int]:
        yield 1

    @app.stream("up")
    @logged
    async def collect(session: Session, items: Items[Order]) -> None: ...

    @app.websocket("/raw")
    @logged
    async def raw(socket: rtcore.RawSocket) -> None: ...

    app.background(logged(later))
    app.lifespan(logged(span))
    app.on("anything")(lambda session, data: None)
    app.on("object")(an_object)
    app.on("partial")(functools.partial(order))
    assert [handler.plain for handler in registered(app).handlers] == [False, False, True, True, False]
    assert [handler.decoder.type for handler in registered(app).handlers[:2]] == [Order, Order]
    assert [(stream.name, stream.up) for stream in registered(app).stream_handlers] == [
        ("down", False),
        ("up", True),
    ]


def an_object(session: Session, data: object) -> None: ...
