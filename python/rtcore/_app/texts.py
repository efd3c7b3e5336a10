"""One text of a collection, for the application: updates of Yjs, in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rtcore._engine import Engine

if TYPE_CHECKING:
    from .shared import SharedData

_KIND: Final = "text"


class SharedText:
    """A text that several edit, in a document of a collection.

        text = app.collection("pages:home").text("p1", "body")

    It is a document of Yjs, as bytes: nothing here knows what is in it. What raises `Unavailable` is to be
    asked again when the collection is `loaded`.
    """

    __slots__ = ("_engine", "collection", "field", "key", "writable")

    def __init__(
        self, collection: SharedData, engine: Engine, key: str, field: str, *, writable: bool
    ) -> None:
        self._engine = engine
        self.collection = collection
        self.key = key
        self.field = field
        self.writable = writable

    def updates(self, vector: bytes | None = None) -> list[bytes]:
        """Its updates; with a state vector, those that somebody may lack who says it. None is there: none.

        Raises:
            NotFound: no settings name this collection, or it has no such document with fields.
            Denied: by its type this field is no text, or the vector is none.
            Unavailable: the collection is being read from disk.

        """
        core = self._engine.core
        found: list[bytes] = self._engine.call(
            core.text_updates, self.collection.name, self.key, self.field, vector
        )
        return found

    def vector(self) -> bytes:
        """Its state vector: of each client up to where nothing is missing. Raises as `updates` does."""
        core = self._engine.core
        found: bytes = self._engine.call(core.text_vector, self.collection.name, self.key, self.field)
        return found

    def add(self, *updates: bytes) -> int | None:
        """Have these updates, all or none. The document's number; what brings nothing new gives it none.

        A document that is a text begins with its first update; one with fields must be there.

        Raises:
            NotFound: there is no such document, or no such collection.
            Denied: one of them is no update of Yjs, or the document would be too large.
            Unavailable, Overloaded: it cannot be kept now.

        """
        said = {"$crdt": _KIND, "u": list(updates)}
        change = {"op": "patch", "value": {self.field: said}} if self.field else {"op": "put", "value": said}
        return self.collection._change(self.key, change)  # noqa: SLF001 - parts of the package know each other

    def __repr__(self) -> str:
        return f"<SharedText {self.collection.name} {self.key} {self.field}>".replace(" >", ">")
