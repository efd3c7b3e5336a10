"""`vectors/scenarios/`: what may go wrong between a client and the server, over each of the ten ways."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import WAYS, Ground
from .scenario import KINDS, Play, scenarios

SCRIPTS = scenarios()
RUNS = [
    pytest.param(name, way, id=f"{name}-{way}")
    for name, script in SCRIPTS.items()
    for way, (link, served) in WAYS.items()
    if link.name in script.get("ways", KINDS) and "server" in script.get("for", ["server"])
]


@pytest.mark.parametrize(("name", "way"), RUNS)
async def test_the_scenario_is_heard_as_it_is_written(ground: Ground, name: str, way: str) -> None:
    script: dict[str, Any] = SCRIPTS[name]
    link, served = WAYS[way]
    place = ground.place(served, app=script.get("app", "app"), **script.get("limits", {}))
    await Play(script, link, place).run()


def test_each_scenario_says_what_it_is_about() -> None:
    for name, script in SCRIPTS.items():
        assert set(script) <= {"about", "ruling", "ways", "for", "app", "limits", "steps"}, name
        assert script["about"], name
        assert script["ruling"], name
        assert script["steps"], name
