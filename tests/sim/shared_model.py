"""What documents a number of changes make: a model that knows no clock, no base, and nobody who speaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def documents_of(done: Iterable[tuple[int | None, dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """The documents after changes: each with the number that its author was told, as he said it, and the
    answer.

    Changes with one number: all but one of them changed nothing, so their order says nothing.
    """
    documents: dict[str, Any] = {}
    for seq, said, answer in sorted(done, key=lambda one: one[0] or 0):
        lost = answer.get("lost") or ()
        if seq is None or lost is True:
            continue
        key, there = said["key"], documents.get(said["key"])
        if said["op"] == "delete":
            documents.pop(key, None)
        elif said["op"] == "patch":
            if there is not None:
                there.update({name: value for name, value in said["value"].items() if name not in lost})
                for name in said.get("unset") or ():
                    if name not in lost:
                        there.pop(name, None)
        else:
            kept = {name: value for name, value in (there or {}).items() if name in lost}
            documents[key] = {n: v for n, v in said["value"].items() if n not in lost} | kept
    return documents
