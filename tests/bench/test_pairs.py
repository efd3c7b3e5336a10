"""How pairs are asked for: scenes may stand behind an option."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import pairs


def test_a_scene_may_stand_behind_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is read: what is refused is the checkout, which is not built, and the scene that there is not."""
    for words, says in (
        ((str(tmp_path), "--pairs", "5", "echo"), "is not built"),
        ((str(tmp_path), "--pairs", "5", "ecko"), "no such scene: ecko"),
    ):
        monkeypatch.setattr(sys, "argv", ["pairs", *words])
        with pytest.raises(SystemExit):
            pairs.main()
        assert says in capsys.readouterr().err
