"""The client: a session with a server that outlives its connections.

    async with rtcore.connect("https://example.org/rt", token=get_token) as client:
        tea = await client.join("tea", last=20)
        await client.emit("chat:message", {"room": "tea", "text": "hello"})
        async for event in tea:
            print(event.name, event.data)

`docs/guide/client.md` tells the rest. A program that imports this package alone imports no part of the
server.
"""

from .client import Client as Client
from .collections.collection import Collection as Collection
from .collections.conflict import Conflict as Conflict
from .collections.conflict import Refusal as Refusal
from .collections.heard import DocumentChange as DocumentChange
from .collections.own import Outcome as Outcome
from .collections.own import OwnChange as OwnChange
from .collections.syncing import SyncResult as SyncResult
from .connecting import connect as connect
from .errors import BadCertificate as BadCertificate
from .errors import ClientClosed as ClientClosed
from .errors import ClientError as ClientError
from .errors import Conflicted as Conflicted
from .errors import ConnectError as ConnectError
from .errors import Forbidden as Forbidden
from .errors import HelloTooLarge as HelloTooLarge
from .errors import InvalidDocument as InvalidDocument
from .errors import LeftRoom as LeftRoom
from .errors import MaybeDone as MaybeDone
from .errors import NotConnected as NotConnected
from .errors import NotDone as NotDone
from .errors import NotRtcore as NotRtcore
from .errors import OutboxError as OutboxError
from .errors import OutboxForeign as OutboxForeign
from .errors import OutboxGone as OutboxGone
from .errors import OutboxLocked as OutboxLocked
from .errors import OutboxNewer as OutboxNewer
from .errors import PoolTimeout as PoolTimeout
from .errors import Rejected as Rejected
from .errors import RequestError as RequestError
from .errors import RequestTimeout as RequestTimeout
from .errors import SessionClosed as SessionClosed
from .errors import StreamLost as StreamLost
from .errors import Superseded as Superseded
from .errors import TokenRefused as TokenRefused
from .errors import TooLarge as TooLarge
from .errors import UnsentChanges as UnsentChanges
from .errors import WrongURL as WrongURL
from .errors import WrongVersion as WrongVersion
from .event import Event as Event
from .event import Gap as Gap
from .event import Sender as Sender
from .handle import Sent as Sent
from .monitor import Figures as Figures
from .monitor import Monitor as Monitor
from .monitor import Spread as Spread
from .outbox import Overflow as Overflow
from .pool import Pool as Pool
from .pool import PoolStats as PoolStats
from .room import Room as Room
from .rules import Found as Found
from .rules import Severity as Severity
from .rules import View as View
from .states import State as State
from .status import Status as Status
from .store import Outbox as Outbox

# A public name has one home: these are offered by `rtcore` itself.
for _thing in (Client, Event, Gap, Outbox, Pool, connect):
    _thing.__module__ = "rtcore"
