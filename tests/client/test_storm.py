"""A short slice of `make storm`: a server, programs behind the fault proxy, `kill -9` of both, and a copy."""

from __future__ import annotations

from pathlib import Path

import trio

from tests.storm.storm import COPY, PROGRAM, SERVER, STOP, Storm


def test_shared_data_in_a_short_storm(tmp_path: Path) -> None:
    storm = Storm(tmp_path, seed=7, people=2, each=3)
    trio.run(storm.run, [SERVER, COPY, PROGRAM, STOP, SERVER])
    assert storm.wrong == []
    assert storm.counts["said"] > 0
    # (What was kept and not written down when its program was killed is done all the same.)
    assert storm.counts["done"] >= storm.counts["said"] - storm.counts["FENCED"]
    # And who judges is not blind.
    (tmp_path / "p0.said").write_text("never\n")
    storm.judge()
    assert storm.wrong == ["never is lost"]
