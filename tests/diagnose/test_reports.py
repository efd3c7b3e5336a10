"""What clients report is counted as the vectors say. `js/test/monitor.test.ts` reads the same row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from rtcore.testing import memory_server

from .test_provoked import application

ROWS = json.loads((Path(__file__).parents[2] / "vectors/reports.json").read_text())["said"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["report"]["transport"])
async def test_a_report_is_counted(row: dict[str, Any], autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(application()) as server:
        client = await server.welcomed()
        await client.send(row["report"])
        await client.ask("emit", event="say", data=1)
        [counted] = [one for one in server._assembly.watch.stats()["reports"] if one["reports"]["all"]]
        assert counted["reports"]["all"] == 1
        wanted = row["counted"]
        assert counted["transport"] == wanted["transport"]
        assert counted["reconnects"]["all"] == wanted["reconnects"]
        assert counted["loss"]["all"] == wanted["loss"]
        assert counted["all"]["mean"] == pytest.approx(wanted["mean"], rel=0.03)
