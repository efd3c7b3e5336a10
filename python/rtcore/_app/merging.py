"""Which parts of a document's type are CRDTs, and what is checked of the others."""

from __future__ import annotations

import typing
from typing import Any

import msgspec

from rtcore.crdt import Value, kind_of


def _crdt(kind: Any) -> str | None:
    origin = typing.get_origin(kind) or kind
    return kind_of(origin) if isinstance(origin, type) and issubclass(origin, Value) else None


class Merging:
    """What a type says of CRDTs. `whole`: the document is one; `fields`: those that are, by their names on
    the wire; `checked`: the type by which the rest is checked, `Any` where nothing is.
    """

    def __init__(self, kind: Any) -> None:
        self.whole = _crdt(kind)
        self.fields: dict[str, str] = {}
        self.checked = Any if self.whole is not None else kind
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            return
        fields = msgspec.structs.fields(kind)
        self.fields = {field.encode_name: word for field in fields if (word := _crdt(field.type)) is not None}
        if self.fields:
            # What is pushed of a CRDT is an operation, which the core checks; it is there without being said.
            self.checked = msgspec.defstruct(
                kind.__name__,
                [_field(field, field.encode_name in self.fields) for field in fields],
                rename={field.name: field.encode_name for field in fields},
                kw_only=True,
                forbid_unknown_fields=kind.__struct_config__.forbid_unknown_fields,
            )


def _field(field: Any, is_crdt: bool) -> tuple[str, Any] | tuple[str, Any, Any]:
    if is_crdt:
        return field.name, Any, None
    if field.required:
        return field.name, field.type
    if field.default_factory is not msgspec.NODEFAULT:
        return field.name, field.type, msgspec.field(default_factory=field.default_factory)
    return field.name, field.type, msgspec.field(default=field.default)
