"""What is made of measured figures: ratios, targets, and the refusal of speed without delivery."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge import judged
from bench.run import undelivered
from bench.scene import Scene
from bench.scenes import SCENES


def runs(*costs: float, **more: float) -> list[dict[str, Any]]:
    return [{"cpu_us_per_message": cost, "p50_us": 100.0, **more} for cost in costs]


def test_a_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians() -> None:
    scene = Scene("s", "s", (), 1.2, floor="echo")
    result = judged(scene, runs(10, 30, 11), runs(10, 20, 10))
    assert result.figure == pytest.approx(1.1)
    assert result.good


def test_what_is_above_its_target_is_said_to_be() -> None:
    scene = Scene("s", "s", (), 1.2, floor="echo")
    assert judged(scene, runs(13), runs(10)).good is False


def test_a_scene_without_a_target_is_neither_good_nor_bad() -> None:
    scene = Scene("s", "s", (), floor="echo")
    assert judged(scene, runs(13), runs(10)).good is None


def test_a_round_trip_above_its_target_fails_too() -> None:
    scene = Scene("s", "s", (), 1.2, floor="echo", latency_target=1.5)
    ours = runs(10, p50_us=200.0)
    assert judged(scene, ours, runs(10)).good is False
    assert judged(scene, runs(10), runs(10)).good


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"missing": 3, "owed": 10}, "3 of 10 deliveries are missing"),
        ({"disordered": 2}, "repeated or out of order"),
        ({"closed": 1}, "connections were closed"),
    ],
)
def test_speed_without_delivery_is_refused(fault: dict[str, int], words: str) -> None:
    good = {"missing": 0, "owed": 10, "disordered": 0, "closed": 0}
    assert undelivered(good) is None
    assert words in str(undelivered({**good, **fault}))


def test_names_of_scenes_are_their_own() -> None:
    assert len({scene.name for scene in SCENES}) == len(SCENES)


def test_a_scene_over_plain_http_is_held_against_the_websocket() -> None:
    scene = Scene("s", "s", (), 1.2, floor="websocket")
    result = judged(scene, runs(11), runs(10))
    assert (result.value, result.target) == ("1.1 x WebSocket", "1.2 x WebSocket")


def test_items_are_wanted_at_a_rate() -> None:
    scene = Scene("s", "s", (), 20, "items")
    slow, quick = runs(1, per_second=40_000), runs(1, per_second=60_000)
    assert judged(scene, slow, []).good is False
    assert judged(scene, quick, []).good
    assert judged(scene, quick, []).target == "50,000 a second"
