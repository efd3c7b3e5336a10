"""What `durable: true` of a room means for a client that finds another life of the server, and no session."""

from __future__ import annotations

from typing import Any

import pytest

from rtcore.client.outbox import Box
from rtcore.client.request import Request

HOUR = 3600.0


def written(kind: str, key: str | None, **fields: Any) -> Request:
    request = Request("r1", kind, fields)
    request.key = key
    request.owned, request.user = True, "ann"
    request.written, request.written_wall = 0.0, 0
    return request


def after_a_restart(request: Request, *, age: float = 10.0, user: str | None = "ann") -> bool:
    """Whether it goes again."""
    box = Box()
    box.written[1] = request
    lost = box.fresh(
        user,
        life="l2",
        same_life=False,
        durable={"orders:1"},
        keys=HOUR,
        now=age,
        wall=int(age * 1000),
    )
    return request not in lost


def test_a_keyed_publish_in_a_durable_room_goes_again() -> None:
    """Its key is on disk: the second one is the first."""
    assert after_a_restart(written("publish", "k1", room="orders:1", event="say"))


@pytest.mark.parametrize(
    ("kind", "key", "fields"),
    [
        ("publish", None, {"room": "orders:1"}),
        ("publish", "k1", {"room": "tea"}),
        ("emit", "k1", {"event": "buy"}),
    ],
)
def test_nothing_else_does(kind: str, key: str | None, fields: dict[str, Any]) -> None:
    """A key of a live request died with the server: it would be done twice."""
    assert not after_a_restart(written(kind, key, **fields))


def test_it_does_not_under_another_user_nor_when_its_hour_is_nearly_over() -> None:
    request = written("publish", "k1", room="orders:1", event="say")
    assert not after_a_restart(request, user="bob")
    assert not after_a_restart(request, user=None)
    assert not after_a_restart(request, age=0.95 * HOUR)
