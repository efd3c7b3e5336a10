"""What must hold over a bad network, as checks of what clients heard and of what handlers did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from rtcore.client import Gap, RequestError


def check_done(done: Iterable[Hashable], results: Mapping[Hashable, object]) -> None:
    """Each request was done once at most, and its result tells the truth.

    `done`: what handlers did, by name, in any order. `results`: of each request by the same name, what its
    caller got: a `RequestError`, or anything else for a result.

    Raises:
        AssertionError: something was done twice, has a result and was not done, or was done though its
            error says that it was not.

    """
    counts = Counter(done)
    for name, count in counts.items():
        assert count == 1, f"{name} was done {count} times"
    for name, result in results.items():
        if not isinstance(result, RequestError):
            assert name in counts, f"{name} has a result and was not done"
        elif not result.maybe_done:
            assert name not in counts, f"{name} was done, and said not to be: {result!r}"


def check_heard(
    said: Sequence[Hashable], heard: Iterable[Hashable | Gap], *, who: str = "the client"
) -> None:
    """Everything was heard once and in its order, or a gap stands where something is missing.

    `said`: what the room's entries say, in their order, each of them another. `heard`: the same of what one
    client heard from when it joined until the end, with each `Gap` in its place. What is in `heard` alone is
    passed over: a server that was killed may have said it before the test could note it.

    Raises:
        AssertionError: something was heard twice, out of order, or missing without a gap.

    """
    items = list(heard)
    names = [each for each in items if not isinstance(each, Gap)]
    assert len(set(names)) == len(names), f"{who} heard something twice: {items}"
    place = {name: number for number, name in enumerate(said)}
    last, gap = None, True
    for item in items:
        if isinstance(item, Gap):
            gap = True
            continue
        here = place.get(item)
        if here is None:
            continue
        if last is not None:
            assert here > last, f"{who} heard {item} after {said[last]}"
            assert gap or here == last + 1, f"{who} was not told of {said[last + 1 : here]}"
        last, gap = here, False
    assert gap or last is None or last == len(said) - 1, f"{who} stopped hearing at {said[last or 0]}"
