"""What is played: all of Autobahn's cases but 9.*, in parts that run side by side.

A coroutine is asked everything. A plain function differs from it in nothing that compression could show, so
it is asked the frames, the text, the fragments and the closing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Some cases against one path of the application; `run` is that path's name."""

    run: str
    cases: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its folder."""
        first = self.cases[0].rstrip("*").rstrip(".")
        return f"{self.run}-{first}"


FRAMES = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
# 18 cases each, of 1,000 messages of 16 bytes to 128 KiB: five kinds of data, seven of offers.
COMPRESSION = tuple(f"12.{kind}.*" for kind in range(1, 6)) + tuple(f"13.{kind}.*" for kind in range(1, 8))


# Of 18, those of 16 bytes to 16 KiB whole and of 8 to 32 KiB in fragments: a fifth of the time that all take.
SHORT = (*range(1, 8), *range(11, 14))


def parts(*, quick: bool, short: bool = False) -> list[Part]:
    """All parts; without compression when it must be quick, or with its short messages alone."""
    frames = [Part("coroutine", FRAMES), Part("plain", FRAMES)]
    if quick:
        return frames
    if short:
        return [*frames, *(Part("coroutine", some(each)) for each in COMPRESSION)]
    return [*frames, *(Part("coroutine", (each,)) for each in COMPRESSION)]


def some(group: str) -> tuple[str, ...]:
    """The cases of a group of compression that have short messages, each by its name."""
    return tuple(f"{group.removesuffix('*')}{number}" for number in SHORT)
