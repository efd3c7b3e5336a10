"""Collections: what an application registers of them, and its own way to what is in them. A part of `App`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import msgspec

from rtcore._data.shape import unreadable
from rtcore._data.values import JSON, Decoder, encode
from rtcore._engine import CollectionPlan
from rtcore._ground.patterns import ByPattern
from rtcore.change import Change
from rtcore.errors import Refuse, UsageError

from .handlers import names_of_caller, positional
from .hooks import checked_name, checked_text, checked_whole
from .kinds import is_async
from .merging import Merging
from .registering import add_authorizer
from .registry import SYNC, Registry
from .rooming import Durable, sureness
from .shared import SharedData
from .spelling import no_option, told

if TYPE_CHECKING:
    from rtcore._engine import Engine
    from rtcore.session import Session

F = TypeVar("F", bound=Callable[..., Any])

_UPGRADE: Final = 0
_RESOLVE: Final = 2
LIMITS: Final = ("value", "fields", "keys", "elements", "writers", "tombstones")
STRATEGIES: Final = ("merge", "latest", "custom", "crdt")


class Collections:
    """The collections of a pattern, and how their changes are decided: `@app.collection(pattern, Type)`.

    Used as a decorator it takes the function that says whether a change may be done:
    `(session, change: Change) -> bool`, plain; None stands for no. `Refuse` rejects with its own code. What
    is rejected is so for good: the change is told to its author, and the others of its push go on.
    """

    def __init__(self, pattern: str, kind: Any, strategy: str, registry: Registry) -> None:
        self.pattern = pattern
        self.strategy = strategy
        self._registry = registry
        self._may: Callable[..., Any] | None = None
        self._resolver: Callable[..., Any] | None = None
        self._upgrades: dict[int, Callable[..., Any]] = {}
        try:
            self.merging = merging = Merging(kind)
        except Exception as error:
            raise UsageError(
                f"the documents of collections {pattern!r} cannot be read: {unreadable(error)}"
            ) from error
        self._decoder = None if merging.checked is Any else _decoder(merging.checked, pattern)
        self._patches = None if merging.checked is Any else _fields(merging.checked)

    def __call__(self, function: Callable[..., Any]) -> Collections:
        """Register `may`. Raises `UsageError` if there is one, or it is a coroutine function."""
        self._may = self._plain(function, self._may, "may(session, change)", 2)
        return self

    def authorize(self, function: F) -> F:
        """Decorator: who may be a member, `(session, join: Join)`, as `@app.authorize` is for rooms.

        It may give `Access(grants=["write"])`, or no grants: such a member reads and does not change.
        """
        add_authorizer(self._registry, SYNC + self.pattern, function, names_of_caller())
        return function

    def resolve(self, function: F) -> F:
        """Decorator, for `strategy="custom"`: `(change: Change) -> document`, plain; None deletes it."""
        self._resolver = self._plain(function, self._resolver, "resolve(change)", 1)
        return function

    @told("collection.upgrade")
    def upgrade(self, *, from_: int) -> Callable[[F], F]:
        """Decorator: bring a change of an older schema to this one, `(change: Change) -> value`, plain."""

        def register(function: F) -> F:
            self._upgrades[from_] = self._plain(function, self._upgrades.get(from_), "upgrade(change)", 1)
            return function

        return register

    @property
    def asks(self) -> bool:
        """Whether each change is asked about."""
        return self._may is not None or self._decoder is not None

    @property
    def decides(self) -> str:
        """The strategy, as the core has it: without a function the author decides."""
        return "author" if self.strategy == "custom" and self._resolver is None else self.strategy

    @property
    def upgrades(self) -> tuple[int, ...]:
        """Older schemas whose changes can be upgraded."""
        return tuple(self._upgrades)

    def answer(self, session: Session, what: int, change: Change, schema: int) -> tuple[str, Any]:
        """The application's word about a change: what the core is told, and with what.

        Raises:
            Refuse: it is not to be done; so for whatever else a function raises, with `INTERNAL`.
            msgspec.ValidationError: it is not of the type.

        """
        if what == _UPGRADE:
            return "value", {"op": change.op, "value": self._upgrades[schema](change)}
        if what == _RESOLVE and self._resolver is not None:
            return "document", self._resolver(change)
        self._check(change)
        if self._may is not None and not self._may(session, change):
            raise Refuse("FORBIDDEN", f"this session may not change {change.key!r} so")
        return "yes", None

    def _plain(self, function: F, known: object, what: str, count: int) -> F:
        self._registry.open("collection")
        if known is not None:
            raise UsageError(f"collections {self.pattern!r} have {what} already")
        positional(function, f"a function of collections {self.pattern!r} is {what}", count, count)
        if is_async(function):
            raise UsageError(
                f"{what} of collections {self.pattern!r} is a plain function: it is called in the turn"
            )
        return function

    def _check(self, change: Change) -> None:
        """Whether a change is of the type. Raises `msgspec.ValidationError`."""
        if self._decoder is None or self._patches is None or change.op == "delete":
            return
        if change.op == "put":
            self._decoder.by_form(JSON, encode(change.value))
            return
        for name, value in change.value.items():
            kind = self._patches.get(name)
            if kind is None:
                raise msgspec.ValidationError(f"the type has no field {name!r}")
            msgspec.convert(value, kind)


def _decoder(kind: Any, pattern: str) -> Decoder:
    """What reads whole documents. Raises `UsageError`."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        raise UsageError(
            f"the documents of collections {pattern!r} are of a struct of msgspec, of a type that merges "
            f"(`rtcore.Text`), or of `Any`; not {kind!r}"
        )
    try:
        return Decoder(kind)
    except TypeError as error:
        raise UsageError(f"the documents of collections {pattern!r} cannot be read: {error}") from error


def _fields(kind: Any) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


class Collecting:
    """Shared data: collections by patterns of names."""

    _registry: Registry
    if TYPE_CHECKING:

        def _running(self) -> Engine: ...

    @overload
    def collection(self, pattern: str) -> SharedData: ...

    @overload
    def collection(
        self,
        pattern: str,
        kind: Any,
        *,
        strategy: str = "merge",
        schema: int = 1,
        durable: Durable = False,
        **limits: int,
    ) -> Collections: ...

    def collection(
        self,
        pattern: str,
        kind: Any = None,
        *,
        strategy: str = "merge",
        schema: int = 1,
        durable: Durable = False,
        **limits: int,
    ) -> Collections | SharedData:
        """Register the collections of a pattern; or, with a name alone, the one collection of this name.

        A collection is a map from keys to documents that stays the same everywhere. With a type this
        registers how those of a pattern are decided. Without one it gives the collection itself, while the
        application is served: that costs little, so ask each time.

        Args:
            pattern: a name in which `*` stands for anything; without a type a name.
            kind: the type of a document: a struct of msgspec, by which changes are checked, or `Any`.
            strategy: how contested changes are decided: "merge" (a contested field goes to the later),
                "latest" (the later document whole), "custom" (`@notes.resolve`, or else the author), "crdt".
            schema: the version of the type: it rises when documents change their shape.
            durable: what is decided is on disk before it is heard or acknowledged, and comes back after a
                restart: `True` (or "full") after a crash of the machine, "normal" after one of the process.
                It needs a folder (`--data`).
            limits: `value` (bytes of a document), `fields`, `keys`, `elements`, `writers`, `tombstones`.

        Raises:
            UsageError: the pattern has settings already, or one of them cannot be.
            NotServing: the application is not being served.

        """
        checked_text(pattern, "app.collection", 'app.collection("pattern", Type)')
        if kind is None:
            return SharedData(self._running(), pattern, self._words)
        self._registry.open("collection")
        checked_name(pattern, "app.collection", 'app.collection("pattern", Type)')
        if strategy not in STRATEGIES:
            raise UsageError(f"a strategy is one of {', '.join(STRATEGIES)}; not {strategy!r}")
        sure = sureness(durable, f"collections {pattern!r}")
        for name, value in limits.items():
            if name not in LIMITS:
                raise UsageError(
                    no_option("app.collection", name, ["strategy", "schema", "durable", *LIMITS])
                )
            checked_whole(value, f"{name} of collections {pattern!r}", 1)
        if any(known.pattern == pattern for known, _ in self._registry.collections):
            raise UsageError(f"there are collections {pattern!r} already")
        made = Collections(pattern, kind, strategy, self._registry)
        merging = made.merging
        plan = CollectionPlan(
            pattern, strategy, schema, limits, whole=merging.whole, crdts=merging.fields, durable=sure
        )
        self._registry.collections.append((made, plan))
        return made

    def _words(self, name: str) -> dict[str, str]:
        """Which fields of a document of this collection are CRDTs; under "" the document itself."""
        plans: ByPattern[CollectionPlan] = ByPattern()
        for made, plan in self._registry.collections:
            plans.add(made.pattern, plan)
        found = plans.find(name)
        return {} if found is None else {"": found.whole or "", **found.crdts}
