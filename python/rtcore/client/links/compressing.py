"""What compresses what a client says and hears: `compress=` of `rtcore.connect`, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rtcore.errors import UsageError

ORDER: Final = ("zstd", "lz4", "br", "gzip")
"""Our own, the best first: bench/README.md has the figures."""
_CODINGS: Final = frozenset({"zstd", "br", "gzip"})
_DEFLATE: Final = "deflate"


@dataclass(frozen=True, slots=True)
class Compress:
    """What is asked for. `deflate`: permessage-deflate; `ours`: by the hello, in the order of the wishes."""

    deflate: bool
    ours: tuple[str, ...]

    @property
    def codings(self) -> tuple[str, ...]:
        """Those that plain HTTP has, too."""
        return tuple(name for name in self.ours if name in _CODINGS)


DEFAULT: Final = Compress(deflate=True, ours=ORDER)


def compress_of(wish: bool | str | Sequence[str]) -> Compress:
    """Read `compress=`.

    Raises:
        UsageError: it names something that is not known.

    """
    if isinstance(wish, bool):
        return DEFAULT if wish else Compress(deflate=False, ours=())
    names = (wish,) if isinstance(wish, str) else tuple(wish)
    for name in names:
        if name != _DEFLATE and name not in ORDER:
            known = ", ".join((*ORDER, _DEFLATE))
            raise UsageError(f"compress is True, False, or names of {known}; {name!r} is none of them")
    return Compress(_DEFLATE in names, tuple(dict.fromkeys(name for name in names if name != _DEFLATE)))
