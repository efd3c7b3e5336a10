"""What a handler may look like, and what is said when it does not."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from rtcore import App, UsageError
from rtcore._app.handlers import Handler
from rtcore._app.invalid import invalid
from rtcore._app.kinds import is_async
from rtcore._app.registry import registered

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


class Data(msgspec.Struct):
    text: str


class Callable:
    async def __call__(self, session: object, data: Data) -> None: ...


def test_types_are_found_by_annotation() -> None:
    def handler(session: Any, data: Data) -> None: ...

    assert Handler("e", handler).decoder.type is Data
    assert Handler("e", Callable()).decoder.type is Data
    assert Handler("e", functools.partial(handler)).json(b'{"text":"a"}') == Data("a")


def test_a_type_made_where_the_handler_is_registered_is_found() -> None:
    class Local(msgspec.Struct):
        n: int

    app = App()

    @app.on("e")
    def handler(session: Any, data: Local) -> None: ...

    assert registered(app).handlers[0].decoder.type is Local


def test_without_annotation_anything_is_taken() -> None:
    handler = Handler("e", lambda session, data: data)
    assert handler.decoder.type is Any
    assert handler.plain
    assert not handler.bare
    assert Handler("e", lambda session: 1).bare


def test_coroutine_functions_are_recognised() -> None:
    async def coroutine(session: Any) -> None: ...

    assert not Handler("e", coroutine).plain
    assert not Handler("e", functools.partial(coroutine)).plain
    assert is_async(Callable())
    assert not is_async(Data)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda: None, "takes"),
        (lambda a, b, c: None, "takes"),
        (lambda a, *, b: None, "takes"),
        (int, "looked into|takes"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_at_once(function: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Handler("e", function)


def test_a_type_that_msgspec_cannot_read_is_refused_at_once() -> None:
    def handler(session: Any, data: dict[Data, list[complex | Data]]) -> None: ...

    with pytest.raises(UsageError, match="'e'"):
        Handler("e", handler)


def test_a_type_that_is_not_there_is_refused_at_once() -> None:
    def handler(session: Any, data: Missing) -> None: ...

    with pytest.raises(UsageError, match="Missing"):
        Handler("e", handler)


def test_other_annotations_may_exist_for_type_checkers_only() -> None:
    def handler(session: Missing, data: int) -> Missing: ...

    assert Handler("e", handler).decoder.type is int


def test_concurrency_is_for_coroutines() -> None:
    async def coroutine(session: Any) -> None: ...

    assert Handler("e", coroutine, 4).concurrency == 4
    with pytest.raises(UsageError, match="coroutine"):
        Handler("e", lambda session: None, 2)
    with pytest.raises(UsageError, match="whole number"):
        Handler("e", coroutine, 0)


def test_the_answer_to_invalid_data_names_the_first_fault_and_lists_all() -> None:
    handler = Handler("e", Callable())
    code, message, details = invalid(handler.decoder, "'e'", 0, b'{"text":1}', ValueError("x"))
    assert code == "INVALID_MESSAGE"
    assert "$.text" in message
    assert msgspec.json.decode(details or b"") == [
        {"code": "type", "path": "$.text", "message": "Expected `str`, got `int`"}
    ]
