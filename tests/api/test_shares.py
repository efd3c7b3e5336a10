"""Peers and other backends may use up what is theirs: what a backend does is done all the same."""

from __future__ import annotations

from tests.server.conftest import serving

from .app import build
from .http import KEY, Api

KEYS = [{"key": KEY, "name": "news"}, {"key": "another-key-of-these-tests-0123", "name": "shop"}]


async def test_peers_that_used_everything_up_keep_no_backend_out() -> None:
    """Rooms and keys: each peer is at its share, and the application's is untouched."""
    async with serving(build(), api_keys=KEYS, limits={"rooms": 10, "key_memory": 4096}) as server:
        api = Api(server.port)
        for number in range(3):
            async with api.session(f"news:peer{number}"):
                said = {"room": f"news:{number}", "event": "n", "key": f"k{number}"}
                assert (await api.ok("publish", said))["seq"]


async def test_a_backend_that_makes_too_many_rooms_loses_its_own() -> None:
    """Half of the application's rooms are one API key's; the longest empty of its own goes for one more."""
    async with serving(build(), api_keys=KEYS, limits={"rooms": 10}) as server:
        news, shop = Api(server.port), Api(server.port, KEYS[1]["key"])
        await shop.ok("publish", {"room": "news:shop", "event": "n", "data": 1})
        for number in range(30):
            await news.ok("publish", {"room": f"news:{number}", "event": "n", "data": number})
        held = [(await news("history", {"room": f"news:{number}"})).body for number in range(30)]
        kept = [number for number, body in enumerate(held) if body.get("history")]
        assert kept == [25, 26, 27, 28, 29]
        past = await shop.ok("history", {"room": "news:shop"})
        assert [entry["data"] for entry in past["history"]] == [1]


async def test_the_keys_of_one_backend_leave_place_for_another() -> None:
    async with serving(build(), api_keys=KEYS, limits={"key_memory": 16_384}) as server:
        news, shop = Api(server.port), Api(server.port, KEYS[1]["key"])
        for number in range(100):
            answer = await news("publish", {"room": "news", "event": "n", "key": f"k{number}"})
            if answer.status != 200:
                break
        assert (answer.status, answer.body["code"], answer.body["retry"]) == (503, "OVERLOADED", True)
        await shop.ok("publish", {"room": "news", "event": "n", "key": "of-the-shop"})
