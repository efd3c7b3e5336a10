"""What a middleware or an error handler is told of a call, and a dependency of a handler."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ._app.hooks import no_function
from ._app.spelling import spelt_when_made
from .errors import UsageError

Kind = Literal["event", "stream", "upload", "authorize", "authenticate"]


class Call(msgspec.Struct, eq=False):  # it is made at each call, and is the cheapest that can be made
    """A call of one of the application's functions: of an event's handler, a stream or a decision.

    `kind`: "event", "stream" (items go down), "upload" (items come up), "authorize" or "authenticate".
    `name`: of the event, the stream or the room; "" at `authenticate`.
    `session`: whose it is; None at `authenticate`, unless a session brings a new token.
    `data`: what the function takes: the data, already of its type; a `Join` or a `Hello` at decisions; None
    where the function takes none.

    A middleware may put others in their place before it calls `next(call)`: the function is called with what
    is there then.
    """

    kind: Kind
    name: str
    session: Any
    data: Any = None

    def __repr__(self) -> str:
        return f"<Call {self.kind} {self.name!r}>"


Next = Callable[[Call], Any]
"""What a middleware calls to go on: the next middleware, or at last the function itself. Its result is the
function's: to be awaited in a coroutine function."""


@spelt_when_made
@dataclasses.dataclass(frozen=True, slots=True)
class Depends:
    """A parameter that the application's own function gives: `db: Annotated[Db, rtcore.Depends(get_db)]`.

    `function` is called before the handler, at each call, in the handler's own task. It is a plain function,
    a coroutine function, or a generator function of either kind with one `yield`: what it yields is given,
    and the rest runs when the handler is done, also when it failed (the exception is raised at the `yield`).
    A class will do as well. It may take the session (`session`, or of type `Session`), in an authorizer the
    `join`, in an authenticator the `hello`, and other dependencies, each of which is called once for a call,
    however many need it; with `cache=False` once for each that needs it.

    A handler that is a plain function and needs what has to be awaited runs in the session's task from then
    on, like a coroutine function.

    Raises:
        UsageError: `function` cannot be called.

    """

    function: Callable[..., Any]
    cache: bool = True

    def __post_init__(self) -> None:
        if (wrong := no_function(self.function)) is not None:
            raise UsageError(f"rtcore.Depends takes a function, as in `Depends(get_db)`, and {wrong}")


Call.__module__ = Depends.__module__ = "rtcore"
