"""The native core: the border as Python sees it. Only the folder `rtcore._engine` imports this module.

Handles (`conn`, `session`, `request`, `ticket`) are integers with a generation: one that was kept
too long finds nothing, and the call says so: `False`, `None`, -1, or `Refused` with `NOT_FOUND`. A call that only answers
(`ack`, `fail`, `admit`) says nothing: its peer is gone.

`form` says how `data` is written: 0 JSON, 1 MessagePack; the JSON of a REQUEST has no binary in it (`{"$bin": ...}`),
since what has any comes as MessagePack. What Python gives is JSON in bytes, compact.

Events are tuples whose first item says what happened:

| kind | tuple |
|---|---|
| REQUEST | (kind, session, request, handler, form, data: bytes) |
| KEYED | the same, with an idempotency key: `begin(request)` says whether it may be done |
| RAW_MESSAGE | (kind, conn, message: str or bytes) |
| AUTHENTICATE | (kind, conn, token: str or None, client: str or None, address: str, user_agent: str or None, secure: bool) |
| AUTHORIZE | (kind, session, ticket, room: str, form, data: bytes or None, resuming: bool) |
| CHANGE | (kind, session, ticket, room: str, what: int, form, change: bytes, theirs: (form, bytes) or None) |
| REAUTHENTICATE | (kind, session, ticket, token: str) |
| REPLY | (kind, session, request id: int, form, data: bytes or None, error: (code, message) or None) |
| OPENED | (kind, session) |
| RESUMED | (kind, session) |
| AWAY | (kind, session)   its connection is gone, the resume window runs |
| ENDED | (kind, session, reason: str) |
| JOINED | (kind, session, room: str)      it is in a `hooked` room |
| LEFT | (kind, session, room: str, why: 0 wish, 1 removed, 2 ended, empty: bool) |
| SAID | (kind, room: str)      once, after `want_said` |
| RAW_OPENED | (kind, conn, path index, target: str, headers: list[(bytes, bytes)], address: str) |
| RAW_CLOSED | (kind, conn, code, reason: str) |
| RAW_DRAINED | (kind, conn)      its unsent bytes fell below `session_low` |
| DRAINED | (kind, session)       its unsent bytes fell below `session_low` |
| UNBLOCKED | (kind, ticket)      a publish that got `Blocked(ticket)` may be tried again |
| HAND_OVER | (kind, fd or -1, conn, bytes already read and rewritten: bytes, address: str, port: int, secure: bool) |
| STREAM_OPENED | (kind, session, stream id, stream index, form, data: bytes) |
| STREAM_WANTS | (kind, session, stream id)      it may make its next item |
| STREAM_ITEM | (kind, session, stream id, form, data: bytes) |
| STREAM_END | (kind, session, stream id, error: (code, message) or None)      no item follows |
| STREAM_CANCELLED | (kind, session, stream id)      nobody wants it any more |
| UNASKED | (kind, conn, ticket)      nobody wants the answer to this AUTHORIZE; ticket 0: to the AUTHENTICATE of the connection |
| STORED | (kind, ticket, seq, error: (code, message, retry) or None)      what waited for the disk under this ticket is there, or why not |
| APART | (kind, collection, key, field: str)      so many updates of a text lie apart that they should be merged |
| REFUSED | (kind, what, address, text)      for the log; what: 0 a request, 1 a token, 2 a join, 3 a message (where set_tells_faults) |
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Final, NoReturn

REQUEST: Final = 1
RAW_MESSAGE: Final = 2
AUTHENTICATE: Final = 3
AUTHORIZE: Final = 4
CHANGE: Final = 26
REAUTHENTICATE: Final = 5
REPLY: Final = 6
OPENED: Final = 7
RESUMED: Final = 8
AWAY: Final = 9
ENDED: Final = 10
RAW_OPENED: Final = 11
RAW_CLOSED: Final = 12
RAW_DRAINED: Final = 13
DRAINED: Final = 14
UNBLOCKED: Final = 15
HAND_OVER: Final = 16
STREAM_OPENED: Final = 17
STREAM_WANTS: Final = 18
STREAM_ITEM: Final = 19
STREAM_END: Final = 20
STREAM_CANCELLED: Final = 21
UNASKED: Final = 22
REFUSED: Final = 23
KEYED: Final = 24
STORED: Final = 25
JOINED: Final = 27
LEFT: Final = 28
SAID: Final = 29
APART: Final = 30

VERSION: Final[str]
SQLITE: Final[str]  # the version that is built in
# (name, default, description) of each limit
LIMITS: Final[Sequence[tuple[str, int, str]]]
CLOSE_CODES: Final[Sequence[tuple[str, int]]]
ERROR_CODES: Final[Sequence[tuple[str, int]]]
# (name, least, most) of each limit
LIMIT_RANGES: Final[Sequence[tuple[str, int, int]]]
# (name, value, description) of each limit that nobody sets
FIXED: Final[Sequence[tuple[str, int, str]]]
# paths: of rtcore's own requests, of the publish API, of the health check
PREFIX: Final[str]
API: Final[str]
SCRIPT: Final[str]
HEALTH: Final[str]
PROBES: Final[list[str]]
CONSOLE: Final[str]
# what `Peer.take` gives
PEER_EVENTS: Final = 0
PEER_TEXT: Final = 1
PEER_BINARY: Final = 2
PEER_PING: Final = 3
PEER_PONG: Final = 4
PEER_CLOSE: Final = 5
PEER_BROKEN: Final = 6
# the bits of `stream_state`
PAUSED: Final[int]
FINISH: Final[int]
DROP: Final[int]
HANDED_OVER: Final[int]

# Whether JSON of the application's may be said; Refused says why not
def check_own(json: bytes) -> None: ...

# One frame of "gzip", "br", "lz4" or "zstd", and what it holds: ValueError for what is no frame, Inflated for more than `most`
def compress(algorithm: str, data: bytes) -> bytes: ...
def inflate(algorithm: str, data: bytes, most: int) -> bytes: ...

# How long a PROXY header is, and whom it names; None: its end is not here yet; ValueError: it is none
def proxy_header(data: bytes) -> tuple[int, tuple[str, int, bool] | None] | None: ...

# By the values of Accept-Encoding and of Content-Encoding; ValueError: another than those that are known, or two
def accepted_coding(values: Sequence[bytes]) -> str | None: ...
def body_coding(values: Sequence[bytes]) -> str | None: ...

class Inflated(ValueError):
    """It inflates to more than the limit."""

# JSON with binary in it as MessagePack; None: there is none in it. Refused: it is no payload
def packed(json: bytes) -> bytes | None: ...

class Refused(Exception):
    """args: (code: str, message: str, retry: bool). The core's one error for a call that was not done."""

class Blocked(Exception):
    """args: (ticket: int,). The room's policy is `block` and a member is behind: wait for UNBLOCKED, try again."""

class Storing(Exception):
    """args: (ticket: int,). It is on its way to the disk: STORED says what became of it."""

class Unusable(Exception):
    """args: (kind: str, message: str). The folder of the store cannot be used: full, io, corrupt, read_only, busy, newer, slow."""

class RawLink:
    """The sending side of one raw socket."""

    # 0: it is on its way. Else the unsent bytes, more than `high`; -1: it is closed;
    # -2: it is neither exactly `str` nor exactly `bytes`, and was not sent
    def send(self, message: object) -> int: ...

class Crdt:
    """One CRDT of any kind. States, values and operations are those of JSON."""

    def __init__(self, kind: str) -> None: ...
    @staticmethod
    def read(state: object) -> Crdt: ...
    def kind(self) -> str: ...
    def state(self) -> dict[str, Any]: ...
    def value(self) -> Any: ...
    def copy(self) -> Crdt: ...
    def same(self, other: Crdt) -> bool: ...
    def merge(self, other: Crdt) -> None: ...
    # Each of these changes it, and gives the delta.
    def count(self, replica: str, by: int) -> Crdt: ...
    def add(self, replica: str, element: str) -> Crdt: ...
    def remove(self, element: str) -> Crdt: ...
    def set(self, replica: str, to: object, time: int) -> Crdt: ...
    def contains(self, element: str) -> bool: ...
    def length(self) -> int: ...
    # An operation as a server applies it; what is heard of it, None where nothing changed.
    def apply(self, op: object, writer: str, n: int, time: int, later: bool) -> dict[str, Any] | None: ...
    def hear(self, heard: object) -> None: ...

class Replica:
    """A collection at a client. All that is looked at is as of the last `keep`; times are ms."""

    def __init__(self) -> None: ...
    @staticmethod
    def restore(
        rows: Sequence[tuple[int, str | None, int, bytes | None]],
    ) -> Replica: ...  # Refused, ValueError: they are none
    def set_schema(self, version: int | None) -> None: ...
    def set_lanes(self, most: int | None) -> None: ...
    def joined(self, epoch: str, sync: object) -> None: ...
    def away(self) -> None: ...
    def left(self) -> None: ...
    def hear(self, seq: int, data: object) -> None: ...
    def gap(self, to: int) -> None: ...
    def page(self, page: object, now_ms: int) -> None: ...
    def pull_failed(self) -> None: ...
    def pushed(self, token: int, data: object, now_ms: int) -> None: ...
    def push_failed(
        self, token: int, code: str, message: str, retry: bool, after_ms: int, now_ms: int
    ) -> None: ...
    def fence(self) -> None: ...
    def renew(self) -> None: ...
    def next_pull(self) -> tuple[str | None, str | None] | None: ...  # after, begun
    def next_push(self, now_ms: int) -> tuple[int, bytes, int] | None: ...  # token, changes as JSON, seen
    # Rows to be kept in one transaction (kind 0: all keys go, 1: a key, 2: a change, None: it is over, 3: the state);
    # keys of which something else is seen, with `heard` as (key, before, now); and what became of one's own changes:
    # (number, 0: answered, 1: over, 2: discarded, the answer).
    def keep(
        self, stored: bool, heard: bool
    ) -> tuple[list[tuple[int, str | None, int, bytes | None]], list[Any], list[tuple[int, int, Any]]]: ...
    # These raise Refused and ValueError: the change is not made.
    def put(self, key: str, document: object, at: int) -> int | None: ...  # None: nothing differs
    def patch(self, key: str, set: object, unset: list[str], at: int) -> int: ...
    def delete(self, key: str, at: int) -> int: ...
    def resolve(self, n: int, how: str, document: object | None, at: int) -> int | None: ...
    def retry(self, n: int, at: int) -> int: ...
    def discard(self, n: int) -> bool: ...
    def forget(self, n: int) -> None: ...
    def get(self, key: str) -> Any: ...
    def theirs(self, key: str) -> Any: ...
    def has(self, key: str) -> bool: ...
    def count(self) -> int: ...
    def keys(self) -> list[str]: ...
    def pending(self) -> list[dict[str, Any]]: ...
    def pending_count(self) -> int: ...
    def conflicts(self) -> list[dict[str, Any]]: ...
    def refused(self) -> list[dict[str, Any]]: ...
    def failed_count(self) -> tuple[int, int]: ...  # conflicts, refused
    def is_whole(self) -> bool: ...
    def is_fenced(self) -> bool: ...
    def wants_right(self) -> bool: ...
    def trouble(self) -> tuple[str, str] | None: ...
    def confirmed(self) -> str | None: ...
    def seen(self) -> int: ...
    def rests_until(self) -> int | None: ...

class Done:
    """A coroutine that has ended already, without a result."""

    def __await__(self) -> Generator[Any, Any]: ...
    def send(self, value: Any, /) -> NoReturn: ...
    def throw(self, error: Any, *rest: Any) -> NoReturn: ...
    def close(self) -> None: ...

class Log:
    """A log on disk that is looked at, whoever writes to it meanwhile. All raise Unusable."""

    def __init__(self, path: str) -> None: ...  # a folder with a log, or a file that is one
    # (seq, room, event, data as JSON, time, session, user, excluded session, trace, epoch and seq where it was); of one
    # that is damaged seq alone, and room None
    def page(
        self, room: str | None, after: int, upto: int | None, count: int
    ) -> list[
        tuple[
            int,
            str | None,
            str | None,
            bytes | None,
            int,
            str | None,
            str | None,
            str | None,
            str | None,
            str | None,
            int,
        ]
    ]: ...
    # with `rooms`: (name, first, last, count, freed, bytes)
    def stats(self) -> dict[str, Any]: ...
    # (whole entries, how many are damaged, the first of them, what else is wrong)
    def verify(self, progress: Callable[[int, int], object]) -> tuple[int, int, list[int], list[str]]: ...

# What people do with the log of a folder. `progress` hears so much of so much. All raise Unusable.
def data_names(path: str) -> list[str]: ...

# version of the schema, horizon, bytes, documents: key, number, JSON
def data_read(path: str, name: str) -> tuple[int, int, int, list[tuple[str, int, bytes]]]: ...

# Of a damaged file: documents that can be read, and how many rows or parts cannot.
def data_salvage(path: str, name: str) -> tuple[list[tuple[str, bytes]], int]: ...
def data_import(
    folder: str, name: str, documents: list[tuple[str, bytes]], now_ms: int
) -> tuple[int, int, int]: ...  # how many, first and last number
def log_backup(folder: str, to: str, progress: Callable[[int, int], object]) -> None: ...
def log_restore(
    folder: str, from_: str, progress: Callable[[int, int], object]
) -> str | None: ...  # where what was there is now
def log_compact(folder: str, progress: Callable[[int, int], object]) -> tuple[int, int]: ...  # bytes
def log_salvage(
    from_: str, folder: str, progress: Callable[[int, int], object]
) -> tuple[int, int, int, int, int]: ...  # entries, first, last, damaged, parts that cannot be read
def log_import(
    folder: str,
    entries: Iterable[
        tuple[str, str, bytes, int, str | None, str | None, str | None, str | None, str | None, int]
    ],
    total: int,
    progress: Callable[[int, int], object],
) -> tuple[int, int, int]: ...  # entries, first, last

class Core:
    def __init__(self, seed: bytes, manual: bool = False) -> None:
        """`seed`: 32 random bytes. `manual`: the time is what `set_time` says (tests), and there is no poller."""
    # -- configuration, before `start`
    def set_limit(self, name: str, value: int) -> None: ...  # KeyError: no such limit
    def set_authenticates(self, yes: bool) -> None: ...
    def set_lifecycle(self, yes: bool) -> None: ...  # whether OPENED, RESUMED and AWAY are wanted
    def set_backend(self, yes: bool) -> None: ...  # False: what is not ours gets 404 from the core
    def set_loopback_only(self, yes: bool) -> None: ...
    def set_compress_events(self, yes: bool) -> None: ...
    def set_token_in_url(self, yes: bool) -> None: ...
    def set_tells_faults(self, yes: bool) -> None: ...
    def add_room(
        self,
        pattern: str,
        *,
        relay: bool,
        count: int,
        bytes: int,
        age_ms: int,
        policy: str,
        key: str | None,
        authorize: bool,
        state: bool,
        presence: bool,
        grants: Sequence[str],
        durable: str = "off",
        compress: bool = True,
        hooked: bool = False,  # whether JOINED and LEFT are told
        sayable: bytes | None = None,  # what members may publish: JSON, {event: shape} (`room/sayable.rs`)
    ) -> None: ...
    def add_collection(
        self,
        pattern: str,
        strategy: str,
        schema: int = 1,
        whole: str | None = None,
        fields: dict[str, str] = ...,
        upgrades: list[int] = ...,
        limits: dict[str, int] = ...,
        asks: bool = False,
        authorize: bool = False,
        durable: str = "off",
    ) -> None: ...  # ValueError
    def add_event(self, name: str, durable: bool = False) -> int: ...  # the handler index of REQUEST
    def add_raw(self, path: str, max_message: int) -> int: ...  # the path index of RAW_OPENED
    def add_stream(
        self, name: str, up: bool, away_ms: int | None = None
    ) -> int: ...  # the stream index of STREAM_OPENED
    def add_origin(self, origin: str) -> None: ...  # ValueError
    def add_host(self, host: str) -> None: ...
    def add_proxy(self, network: str) -> None: ...  # ValueError
    def set_proxy_protocol(self, on: bool) -> None: ...  # connections of those begin with a PROXY header
    def believe(self, fields: list[str]) -> None: ...  # ValueError
    def set_store(self, folder: str) -> None: ...  # what is durable is kept there, from `start` to `close`
    def keep(
        self, pattern: str, age_ms: int, count: int, bytes: int
    ) -> None: ...  # of rooms of this pattern, on disk; 0: all
    def start(self) -> None: ...  # Unusable: the folder of the store
    # -- the reactor (not with `manual`)
    def fileno(self) -> int: ...  # readable when `turn` has something to do, its next deadline included
    def listen(self, fd: int) -> None: ...  # a listening, non-blocking socket; the core dups it
    def adopt(
        self, fd: int, data: bytes, told: tuple[str, int, bool] | None = None
    ) -> None: ...  # a socket that was handed over comes back, with what was read of its next request; the core dups it
    def turn(self, linger_us: int = 0) -> list[tuple[object, ...]]: ...
    def flush(self) -> list[tuple[object, ...]]: ...  # writes what is due; events that came of it
    def needs_flush(self) -> bool: ...
    def stop_accepting(self) -> None: ...
    def close(self) -> None: ...  # every socket and the poller
    # -- the stream shell
    def set_time(self, tick_ns: int, wall_ms: int) -> None: ...
    def deadline_ns(self) -> int | None: ...
    def advance(self) -> list[tuple[object, ...]]: ...
    def connect_stream(
        self, address: str, port: int, secure: bool, returns: bytes | None = None, told: bool = False
    ) -> int | None:
        """None: refused by a limit. `returns`: it was handed over and comes back, and this was read of its next
        request: give it to `receive`; `told`: who connected was said by a PROXY header, before that or before TLS.
        """
    def receive(self, conn: int, data: bytes) -> list[tuple[object, ...]]: ...
    def end_of_input(self, conn: int) -> list[tuple[object, ...]]: ...
    def lost(self, conn: int) -> list[tuple[object, ...]]: ...
    def events(self) -> list[tuple[object, ...]]: ...
    def streams_due(
        self,
    ) -> list[int]: ...  # stream connections that have output or whose state changed, once
    def take_output(self, conn: int, limit: int = 65536) -> bytes: ...
    def stream_state(
        self, conn: int
    ) -> int: ...  # bits: 1 reading is paused, 2 finish writing (send EOF), 4 drop it, 8 handed over
    # -- decisions
    def stay(
        self, conn: int, window_ms: int
    ) -> None: ...  # before `authenticated`: the session's own resume window
    def authenticated(
        self, conn: int, user: str | None, expires_ms: int | None
    ) -> None: ...  # user None: anonymous
    def refuse_hello(self, conn: int, code: int, reason: str) -> None: ...
    def admit(
        self, ticket: int, grants: Sequence[str] | None, info: bytes | None, state: bytes | None
    ) -> None: ...
    def deny(self, ticket: int, code: str, message: str) -> None: ...
    def answer_change(
        self, ticket: int, word: str, data: bytes | None = None, message: str = ""
    ) -> None: ...  # "yes", "value", "document", "author", or a code
    # `request`: whose ack waits for it, 0: none; gives 0: the document has no number
    def change(self, collection: str, key: str, change: bytes, request: int = 0) -> int: ...
    def read_collection(
        self, collection: str, after: str | None = None, begun: str | None = None
    ) -> bytes: ...  # a page, as the ack of a `pull`
    def document(self, collection: str, key: str) -> bytes | None: ...
    # tickets of STORED; None: it is there
    def text_updates(
        self, collection: str, key: str, field: str, vector: bytes | None = None
    ) -> list[bytes]: ...
    def text_vector(self, collection: str, key: str, field: str) -> bytes: ...
    def merge_text(
        self, collection: str, key: str, field: str, count: int, bytes: int, update: bytes
    ) -> bool: ...  # `bytes`: of the first `count`, together
    def load_collection(self, collection: str) -> int | None: ...
    def changes_stored(self, collection: str) -> int | None: ...
    def reauthenticated(self, ticket: int, user: str | None, expires_ms: int | None) -> None: ...
    # `began`: when its handler began, by time.perf_counter_ns; 0: as `began` said before, or when the answer before was given
    def began(self, moment: int) -> None: ...
    def answered(self) -> int: ...  # when the last answer was given (ns)
    def ack(self, request: int, data: bytes, began: int = 0) -> None: ...
    def begin(
        self, request: int
    ) -> bool: ...  # of KEYED; False: nobody waits for it, and it must not be done
    def abandon(self, request: int) -> None: ...  # of KEYED: it was cancelled, and says nothing
    def fail(
        self,
        request: int,
        code: str,
        message: str,
        details: bytes | None,
        retry: bool,
        after_ms: int | None = None,
        began: int = 0,
    ) -> None: ...
    def publish(
        self,
        room: str,
        event: str,
        data: bytes,
        exclude: int = 0,
        sender: int = 0,
        key: str | None = None,
        volatile: bool = False,
        trace: str | None = None,
        backend: str | None = None,
        request: int = 0,
        rights: bool = True,
        waits: bool = True,
    ) -> int:
        """The sequence number; 0 when volatile. Raises Refused, Blocked, Storing. `backend`: the name of the API key that
        says it; `request`: the REQUEST whose handler says it, and whose ack leaves when it is on disk; `waits`: whether
        Storing is raised for what is on its way there, else what is lost comes as STORED of ticket 0.
        """
    def send(
        self, session: int, event: str, data: bytes
    ) -> int: ...  # sequence number; Refused(NOT_FOUND) when ended
    def unsent(self, session: int) -> int: ...  # bytes said to it alone and not yet sent
    def want_drained(self, session: int) -> bool: ...  # True: DRAINED will come; False: there is room now
    def ask(self, session: int, event: str, data: bytes) -> int: ...  # request id, comes back in REPLY
    def forget_blocked(self, ticket: int) -> None: ...  # it is not tried again
    def forget_ask(self, session: int, request: int) -> None: ...
    def members(
        self, room: str
    ) -> (
        list[tuple[int, str, str | None, bytes | None, list[str]]] | None
    ): ...  # session, its id, user, info, rights
    def presence(
        self, room: str
    ) -> tuple[
        list[tuple[int, str, str | None, bytes | None, list[str]]], int
    ]: ...  # as members are told it; Refused
    def tables(self) -> list[tuple[str, int]]: ...  # how much is in each table of the core: for tests
    def session_named(self, name: str) -> int | None: ...
    def payload(self, json: bytes) -> bytes: ...  # data from outside as it is kept; Refused(INVALID_MESSAGE)
    def history(
        self, room: str, after: str | None, limit: int
    ) -> tuple[list[tuple[int, str, bytes, int, str | None, str | None, str | None]], bool, bool]:
        """([(seq, event, data as JSON, time, session id, user, trace)], complete, more). Refused(NOT_FOUND)."""
    def read_history(
        self, room: str, after: str | None, limit: int
    ) -> int: ...  # STORED comes for this ticket; 0: `history`
    def take_history(
        self, ticket: int
    ) -> tuple[list[tuple[int, str, bytes, int, str | None, str | None, str | None]], bool, bool] | None: ...
    # -- `request`: in whose handler it is decided (0: in none). Its ack leaves when that is on disk
    def set_grants(self, session: int, room: str, grants: Sequence[str], request: int = 0) -> bool: ...
    def set_info(self, session: int, room: str, info: bytes | None) -> bool: ...
    def put_in(
        self, session: int, room: str, grants: Sequence[str] | None, info: bytes | None, request: int = 0
    ) -> bool: ...
    def put_out(
        self, session: int, room: str, reason: str, request: int = 0
    ) -> bool: ...  # `left`, or False if it was not in it
    def close_session(self, session: int, code: int, reason: str, request: int = 0) -> bool: ...  # ends it
    def when_stored(self) -> int: ...  # a ticket: STORED comes when all that was decided is on disk. 0: it is
    def forget_stored(self, ticket: int) -> None: ...  # nobody waits for it any more
    def session_info(
        self, session: int
    ) -> tuple[str, str | None, str, str | None, int, float | None, bool, int | None] | None:
        """(id, user, address, user agent, since when (ms 1970), latency (s), connected now, token expires (ms 1970))."""
    def rooms_of(
        self, session: int
    ) -> list[tuple[str, list[str]]] | None: ...  # its rooms, and its rights in each
    def rooms_now(self, pattern: str) -> list[str]: ...  # the names of those that are there
    def present(self, room: str) -> bool: ...  # whether a member has a connection now
    def readable(self, room: str) -> int: ...  # up to which number it may be read now; Refused(NOT_FOUND)
    def want_said(self, room: str) -> None: ...  # SAID comes when the next entry may be read
    def position(self, seq: int) -> str: ...
    def head(self) -> int: ...
    # -- streams of items: each STREAM_OPENED is answered by one `end_stream` or `fail_stream`, whatever happens
    def stream_room(
        self, session: int, stream: int
    ) -> int: ...  # 1: it may make an item; 0: STREAM_WANTS will come; -1: nobody wants it
    def stream_item(self, session: int, stream: int, data: bytes) -> int: ...  # the room after it, likewise
    def stream_taken(self, session: int, stream: int, count: int) -> None: ...  # items that came up
    def end_stream(self, session: int, stream: int, data: bytes) -> None: ...
    def fail_stream(
        self,
        session: int,
        stream: int,
        code: str,
        message: str,
        details: bytes | None,
        retry: bool,
        after_ms: int | None = None,
    ) -> None: ...
    # -- raw sockets
    def raw_link(self, conn: int, high: int) -> RawLink: ...
    def raw_close(self, conn: int, code: int, reason: str) -> None: ...
    def raw_waiting(
        self, conn: int, messages: int, size: int
    ) -> None: ...  # what of it waits in Python: the core stops reading at its bounds
    def want_raw_drained(self, conn: int) -> bool: ...
    # -- the end, and looking in
    def shut_down(self, grace_ms: int) -> None: ...  # every session told to come back, spread over the grace
    def idle(self) -> bool: ...  # no connection is left
    def store_health(self) -> dict[str, Any] | None: ...  # None: there is no store
    # `format`: text, openmetrics or protobuf. `tasks`: how often each background task failed.
    def metrics(self, format: str = "text", tasks: Sequence[tuple[str, int]] | None = None) -> bytes: ...
    def histograms(self) -> str: ...  # JSON: durations since the start, in buckets that grow by a factor
    # A hint to so many of the sessions that are here, behind the first `skip`: how many got it.
    def advise(self, why: str, transport: str | None, hold: float | None, skip: int, most: int) -> int: ...
    def set_presence_window(self, ms: int) -> None: ...
    def set_ring_memory(self, bytes: int) -> None: ...
    def set_accept_pace(self, pace: int | None) -> None: ...  # between two rests; None: as many as come
    def follow_event(self, event: str, times: int) -> None: ...  # the next so many messages of it
    def trails(self) -> str: ...  # JSON: those that are over, and were not told before
    def trace_of(self, request: int) -> str | None: ...  # of a request that is followed
    def trace_request(self, request: int, trace: str) -> None: ...  # follow it under this traceparent
    def seen_sessions(self, find: str, most: int) -> str: ...  # JSON: `found` in all, and rows
    def seen_rooms(self, find: str, most: int) -> str: ...
    def measured(self) -> str: ...  # what was measured, in each window, as JSON
    def sizes(self) -> dict[str, int]: ...

class Peer:
    """A client's WebSocket after its handshake. `deflate`: what was agreed: without context from the server, from the client."""

    def __init__(
        self, form: int, deflate: tuple[bool, bool] | None, most: int, compress_from: int
    ) -> None: ...
    @staticmethod
    def request(
        host: str,
        path: str,
        key: str,
        protocols: Sequence[str],
        extensions: str | None,
    ) -> bytes: ...
    @staticmethod
    def response(
        bytes: bytes, key: str, protocols: Sequence[str], deflate: bool
    ) -> tuple[int, int, str | None, tuple[bool, bool] | None] | None:
        """None: more must come. (status, where the rest begins, subprotocol, deflate). ValueError: it is no answer to that."""
    def agree(self, algorithm: str | None) -> None: ...  # ValueError: it is none
    def take(self, bytes: bytes) -> list[tuple[int, bytes, int]]:
        """(kind, payload, number): PEER_EVENTS with how many, PEER_CLOSE and PEER_BROKEN with the code; nothing after those."""
    def write(self, payload: bytes, mask: bytes, packs: bool) -> bytes: ...
    def pong(self, payload: bytes, mask: bytes) -> bytes: ...
    def close(self, code: int, reason: str, mask: bytes) -> bytes: ...

class Ready:
    """What can be awaited once, and gives this at once."""

    def __init__(self, value: Any) -> None: ...
    def __await__(self) -> Generator[Any, Any, Any]: ...
