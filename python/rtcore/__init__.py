"""A realtime server: rooms, events with acknowledgements, presence, streams and replay, on one port.

    import rtcore

    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.on("hello")
    async def hello(session: rtcore.Session, name: str) -> str:
        await app.room("tea").publish("came", {"name": name})
        return f"hello, {name}"

    rtcore.run(app)

Rust moves the bytes, Trio decides: handlers are plain functions, called in the turn, or coroutines in the
session's own task.
"""

from ._engine import VERSION as _VERSION
from ._serve.asgi import Served as Served
from ._serve.asgi import asgi as asgi
from ._serve.listeners import Address as Address
from ._serve.serve import run as run
from ._serve.serve import serve as serve
from ._serve.stop import Stop as Stop
from ._tokens.jwks import JWKS as JWKS
from ._turn.nursery import SessionNursery as SessionNursery
from .app import App as App
from .auth import ANONYMOUS as ANONYMOUS
from .auth import Access as Access
from .auth import Hello as Hello
from .auth import Join as Join
from .auth import User as User
from .config import Config as Config
from .errors import ConfigError as ConfigError
from .errors import Denied as Denied
from .errors import Forbidden as Forbidden
from .errors import InvalidData as InvalidData
from .errors import KeyConflict as KeyConflict
from .errors import NotFound as NotFound
from .errors import NotServing as NotServing
from .errors import Overloaded as Overloaded
from .errors import Refuse as Refuse
from .errors import RemoteError as RemoteError
from .errors import RtcoreError as RtcoreError
from .errors import SessionEnded as SessionEnded
from .errors import SocketClosed as SocketClosed
from .errors import StartError as StartError
from .errors import Timeout as Timeout
from .errors import UsageError as UsageError
from .raw import RawSocket as RawSocket
from .room import Entry as Entry
from .room import Heard as Heard
from .room import History as History
from .room import Member as Member
from .room import Position as Position
from .room import Room as Room
from .session import Session as Session
from .stream import Items as Items
from .tokens import JWT as JWT

__version__ = _VERSION

__all__ = [  # noqa: RUF022 - plainly by the alphabet
    "ANONYMOUS",
    "Access",
    "Address",
    "App",
    "Config",
    "ConfigError",
    "Denied",
    "Entry",
    "Forbidden",
    "Heard",
    "Hello",
    "History",
    "InvalidData",
    "Items",
    "JWKS",
    "JWT",
    "Join",
    "KeyConflict",
    "Member",
    "NotFound",
    "NotServing",
    "Overloaded",
    "Position",
    "RawSocket",
    "Refuse",
    "RemoteError",
    "Room",
    "RtcoreError",
    "Served",
    "Session",
    "SessionEnded",
    "SessionNursery",
    "SocketClosed",
    "StartError",
    "Stop",
    "Timeout",
    "UsageError",
    "User",
    "__version__",
    "asgi",
    "run",
    "serve",
]

# Tracebacks show the name that people import.
for _function in (asgi, run, serve):
    _function.__module__ = __name__
