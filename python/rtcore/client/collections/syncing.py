"""A whole set of documents at once: the difference is worked out, said, and waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

from .conflict import Conflict, Refusal
from .own import Outcome, OwnChange

if TYPE_CHECKING:
    from .collection import Collection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SyncResult(Generic[T]):
    """What came of `sync`. `success`: every change is done, and nothing of any was lost. `sync_id`: the
    position up to which everything is confirmed here. `changes`: what came of each key that differed.
    `conflicts` and
    `refused`: those of these changes that wait for a decision, or were refused.
    """

    success: bool
    sync_id: str | None
    changes: dict[str, Outcome]
    conflicts: list[Conflict[T]]
    refused: list[Refusal[T]]


async def sync(
    collection: Collection[T], documents: Mapping[str, Any], timeout: float | None
) -> SyncResult[T]:
    """Put, and delete, what differs, and wait for the server's word on each."""
    made: dict[str, OwnChange] = {}
    for key, document in documents.items():
        if document is not None:
            change = await collection.put(key, document)
        elif key in collection:
            change = await collection.delete(key)
        else:
            continue
        if change.n is not None:
            made[key] = change
    outcomes: dict[str, Outcome] = {}
    with trio.fail_after(float("inf") if timeout is None else timeout):
        for key, change in made.items():
            outcomes[key] = outcome = await change.outcome
            if outcome.kind == "done":
                await change.applied
    numbers = {change.n for change in made.values()}
    return SyncResult(
        all(each.kind == "done" and not each.lost for each in outcomes.values()),
        collection.position,
        outcomes,
        [each for each in collection.conflicts if each.n in numbers],
        [each for each in collection.refused if each.n in numbers],
    )
