"""A realtime server: rooms, events with acknowledgements, presence, streams and replay, on one port.

    import rtcore

    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.on("hello")
    async def hello(session: rtcore.Session, name: str) -> str:
        await app.room("tea").publish("came", {"name": name})
        return f"hello, {name}"

    rtcore.run(app)

A program that speaks to such a server, from here or from afar, needs `rtcore.connect` alone.

Rust moves the bytes, Trio decides: handlers are plain functions, called in the turn, or coroutines in the
session's own task.
"""

import importlib
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    __version__: str
    from ._aio import aio as aio
    from ._app.shared import SharedData as SharedData
    from ._serve.asgi import asgi as asgi
    from ._serve.listeners import Address as Address
    from ._serve.program import run as run
    from ._serve.serve import serve as serve
    from ._serve.served import Served as Served
    from ._serve.stop import Stop as Stop
    from ._tokens.jwks import JWKS as JWKS
    from ._turn.following import Following as Following
    from ._turn.listening import Listening as Listening
    from ._turn.nursery import SessionNursery as SessionNursery
    from .app import App as App
    from .auth import ANONYMOUS as ANONYMOUS
    from .auth import Access as Access
    from .auth import Grant as Grant
    from .auth import Hello as Hello
    from .auth import Join as Join
    from .auth import User as User
    from .call import Call as Call
    from .call import Depends as Depends
    from .call import Next as Next
    from .change import Change as Change
    from .change import Changed as Changed
    from .client import Client as Client
    from .client import Event as Event
    from .client import Gap as Gap
    from .client import Outbox as Outbox
    from .client import Pool as Pool
    from .client import connect as connect
    from .config import Config as Config
    from .crdt import GCounter as GCounter
    from .crdt import GSet as GSet
    from .crdt import LWWRegister as LWWRegister
    from .crdt import ORSet as ORSet
    from .crdt import PNCounter as PNCounter
    from .crdt import Text as Text
    from .durable import Keep as Keep
    from .entry import Entry as Entry
    from .entry import Heard as Heard
    from .entry import History as History
    from .entry import Position as Position
    from .errors import ConfigError as ConfigError
    from .errors import Denied as Denied
    from .errors import Forbidden as Forbidden
    from .errors import InvalidData as InvalidData
    from .errors import KeyConflict as KeyConflict
    from .errors import NotFound as NotFound
    from .errors import NotServing as NotServing
    from .errors import OutcomeUnknown as OutcomeUnknown
    from .errors import Overloaded as Overloaded
    from .errors import Refuse as Refuse
    from .errors import RemoteError as RemoteError
    from .errors import RtcoreError as RtcoreError
    from .errors import SenderForbidden as SenderForbidden
    from .errors import SessionEnded as SessionEnded
    from .errors import SocketClosed as SocketClosed
    from .errors import StartError as StartError
    from .errors import Timeout as Timeout
    from .errors import Unavailable as Unavailable
    from .errors import UsageError as UsageError
    from .member import Member as Member
    from .raw import RawSocket as RawSocket
    from .room import Room as Room
    from .router import Router as Router
    from .session import Session as Session
    from .stream import Items as Items
    from .tokens import JWT as JWT

# Where each public name lives. It is loaded when it is first asked for: a client program loads no server.
_HOMES: Final = {
    "._serve.asgi": "asgi",
    "._serve.served": "Served",
    "._serve.listeners": "Address",
    "._serve.program": "run",
    "._serve.serve": "serve",
    "._serve.stop": "Stop",
    "._tokens.jwks": "JWKS",
    "._turn.following": "Following",
    "._turn.listening": "Listening",
    "._turn.nursery": "SessionNursery",
    "._aio": "aio",
    "._app.shared": "SharedData",
    ".app": "App",
    ".auth": "ANONYMOUS Access Grant Hello Join User",
    ".call": "Call Depends Next",
    ".change": "Change Changed",
    ".client": "Client Event Gap Outbox Pool connect",
    ".config": "Config",
    ".crdt": "GCounter GSet LWWRegister ORSet PNCounter Text",
    ".durable": "Keep",
    ".entry": "Entry Heard History Position",
    ".errors": "ConfigError Denied Forbidden InvalidData KeyConflict NotFound NotServing "
    "OutcomeUnknown Overloaded Refuse RemoteError RtcoreError SenderForbidden SessionEnded "
    "SocketClosed StartError Timeout Unavailable UsageError",
    ".member": "Member",
    ".raw": "RawSocket",
    ".room": "Room",
    ".router": "Router",
    ".session": "Session",
    ".stream": "Items",
    ".tokens": "JWT",
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES: Final = frozenset(
    {
        "app",
        "auth",
        "blocking",
        "call",
        "change",
        "client",
        "config",
        "crdt",
        "durable",
        "entry",
        "errors",
        "member",
        "raw",
        "room",
        "router",
        "session",
        "stream",
        "tokens",
    }
)


def __getattr__(name: str) -> Any:
    """Load what is public when it is asked for."""
    if name == "__version__":
        from ._engine import VERSION

        thing: Any = VERSION
    elif (home := _HOME_OF.get(name)) is not None:
        thing = getattr(importlib.import_module(home, __name__), name)
        if isinstance(thing, FunctionType):
            thing.__module__ = __name__  # tracebacks show the name that people import
    elif name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, *(name for name in globals() if name.startswith("_"))})


__all__ = [  # noqa: RUF022 - plainly by the alphabet
    "ANONYMOUS",
    "Access",
    "Address",
    "App",
    "Call",
    "Change",
    "Changed",
    "Client",
    "Config",
    "ConfigError",
    "Denied",
    "Depends",
    "Entry",
    "Event",
    "Following",
    "Forbidden",
    "GCounter",
    "GSet",
    "Gap",
    "Grant",
    "Heard",
    "Hello",
    "History",
    "InvalidData",
    "Items",
    "JWKS",
    "JWT",
    "Join",
    "Keep",
    "KeyConflict",
    "LWWRegister",
    "Listening",
    "Member",
    "Next",
    "NotFound",
    "NotServing",
    "ORSet",
    "Outbox",
    "OutcomeUnknown",
    "Overloaded",
    "Pool",
    "Position",
    "RawSocket",
    "Refuse",
    "RemoteError",
    "Room",
    "Router",
    "RtcoreError",
    "SenderForbidden",
    "Served",
    "Session",
    "SessionEnded",
    "SessionNursery",
    "SharedData",
    "SocketClosed",
    "StartError",
    "Stop",
    "Text",
    "Timeout",
    "Unavailable",
    "UsageError",
    "User",
    "__version__",
    "aio",
    "asgi",
    "connect",
    "run",
    "serve",
]
