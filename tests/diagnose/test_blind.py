"""Ten faults, one by one: of nine, the first issue that is named is the right one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.server.conftest import serving

from .blind import FAULTS, KEY, LATER, SLOW_DISK, Place, application, going_well, kept_on_a_slow_disk

SEALED = json.loads(Path(__file__).with_name("sealed.json").read_text())
ENOUGH = 9


def seal(what: str, issue: str) -> str:
    """The digest of an answer."""
    return hashlib.sha256(f"{what}: {issue}".encode()).hexdigest()[:16]


async def injected(what: str, folder: Path) -> list[dict[str, Any]]:
    """The issues that are named when this has happened."""
    settings, inject = FAULTS[what]
    if what == SLOW_DISK:
        async with kept_on_a_slow_disk(folder) as place, going_well(place):
            await inject(place)
            return list((await place.diagnosed())["issues"])
    async with serving(application(), api_keys=KEY, **settings) as server:
        place = Place(server.port)
        async with going_well(place):
            assert (await place.diagnosed())["issues"] == [], "in calm nothing is said"
            await inject(place)
            said = LATER.pop(place.port, None) or await place.diagnosed()
        return list(said["issues"])


async def test_of_ten_faults_nine_are_named_first(tmp_path: Path) -> None:
    assert len(FAULTS) == len(SEALED) == 10
    named = {}
    for what in FAULTS:
        issues = await injected(what, tmp_path)
        first = issues[0]["type"] if issues else "nothing"
        named[what] = (first, SEALED[what] == seal(what, first), [each["message"] for each in issues])
    assert "fell behind" not in str(named[SLOW_DISK]), "who waits for a disk reads what it is owed"
    right = [what for what, (_, is_right, _) in named.items() if is_right]
    assert len(right) >= ENOUGH, {what: told for what, told in named.items() if what not in right}
