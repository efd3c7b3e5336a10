"""Lines of docs: at most 120 characters, so that a change of a sentence is a change of a line or two."""

from __future__ import annotations

from tests.architecture.test_files import ROOT, tracked

LONGEST = 120
FENCES = ("```", "~~~")


def test_lines_of_docs_are_short() -> None:
    long: list[str] = []
    for path in tracked(".md"):
        name = str(path.relative_to(ROOT))
        if name.startswith(("docs/reference/", "bench/results/")):
            continue  # generated
        fenced = False
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            fenced ^= line.lstrip().startswith(FENCES)
            if len(line) > LONGEST and not fenced and not line.lstrip().startswith("|"):
                long.append(f"{name}:{at}: {len(line)}")
    assert not long, f"over {LONGEST} characters, and no table: break them"


def test_a_demonstration_page_is_short_enough_to_be_copied() -> None:
    """Each page's own code, and each file that the pages share, is under 200 lines."""
    folder = ROOT / "python" / "rtcore" / "site" / "demo"
    long = {
        file.name: count
        for file in folder.glob("*.js")
        if (count := len(file.read_text().splitlines())) >= 200
    }
    assert not long
