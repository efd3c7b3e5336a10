"""What a room's consumer has not taken yet: a bounded buffer, and where it must be filled from afterwards.

No ack waits behind a consumer. So a full buffer is not waited for: what comes is dropped, and its numbers
are a
*hole* that `history` fills when the consumer is through. What history does not have is a `Gap` with reason
`slow`.

Invariants, of one reader:
- `at` is the number up to which everything was put into the buffer, or told as a gap.
- While `hole` is true nothing from the live feed is put in; `missed` is the highest number that was left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Final

from .event import Event, Gap, Heard

BUFFER_ITEMS: Final = 1024
BUFFER_BYTES: Final = 1 << 20
_ITEM_BYTES: Final = 64


def _size(item: Heard) -> int:
    """Bytes, near enough for a bound: of text and binary, whatever it is in."""
    size, parts = _ITEM_BYTES, [item.data] if isinstance(item, Event) else []
    while parts:
        part = parts.pop()
        if isinstance(part, str | bytes):
            size += len(part)
        elif isinstance(part, dict):
            size += 8 * len(part)
            parts += part.keys()
            parts += part.values()
        elif isinstance(part, list):
            size += 8 * len(part)
            parts += part
        else:
            size += 8
    return size


# An empty queue has 0.7 KB: one that was never used is everybody's. Nothing is put into it.
_NO_ITEMS: Final[deque[Heard]] = deque(maxlen=0)
_NO_SIZES: Final[deque[int]] = deque(maxlen=0)


class Reader:
    """One consumer of one room. `room` None: of what is said outside of joined rooms, where nothing can be
    filled.
    """

    def __init__(
        self, room: str | None, at: int = 0, *, items: int = BUFFER_ITEMS, size: int = BUFFER_BYTES
    ) -> None:
        self.room = room
        self.at = at
        self.hole = False
        self.missed = 0
        self.asking = False
        self._missed_when_asked = 0
        self._items, self._sizes = _NO_ITEMS, _NO_SIZES
        self._bytes = 0
        self._most, self._most_bytes = items, size
        self.in_hand: Heard | None = None
        """What was taken last, and is not done with."""
        self.lost_volatile = 0
        self.ended: Exception | None = None
        self.over = False
        self.wake: Callable[[], None] | None = None
        self.relieved: Callable[[], None] | None = None
        """Called once when few wait again; set by who waits for that."""

    def __len__(self) -> int:
        return len(self._items)

    # -- in

    def push_many(self, events: list[Event], size: int) -> None:
        """From the feed, in its order; each has about so many bytes."""
        count = len(events)
        if (
            self.over
            or self.hole
            or len(self._items) + count > self._most
            or self._bytes + count * size > self._most_bytes
        ):
            for event in events:
                self.push(event, size)
            return
        if self._items is _NO_ITEMS:
            self._items, self._sizes = deque(), deque()
        self._items.extend(events)
        self._sizes.extend(repeat(size, count))
        self._bytes += count * size
        for event in reversed(events):
            if event.seq is not None:
                self.at = max(self.at, event.seq)
                break
        if self.wake is not None:
            self.wake()

    def push(self, item: Heard, size: int | None = None) -> None:
        """The same for one. `size`: its bytes, where they are known."""
        number = item.seq if isinstance(item, Event) else item.last
        if self.over:
            return
        full = len(self._items) >= self._most or self._bytes >= self._most_bytes
        if full and number is not None:
            self.hole = True
        if number is None:
            if self.hole or full:
                self.lost_volatile += 1
            else:
                self._put(item, size)
        elif self.hole:
            self.missed = max(self.missed, number)
        else:
            self._put(item, size)
            self.at = max(self.at, number)

    def _put(self, item: Heard, size: int | None = None) -> None:
        size = _size(item) if size is None else size
        if self._items is _NO_ITEMS:
            self._items, self._sizes = deque(), deque()
        self._items.append(item)
        self._sizes.append(size)
        self._bytes += size
        if self.wake is not None:
            self.wake()

    def lack(self, up_to: int) -> None:
        """All from `at` to this number is to be had from history."""
        if up_to > self.at:
            self.hole = True
            self.missed = max(self.missed, up_to)

    # -- out

    def take(self) -> Heard | None:
        """The next, or None. What was taken before is done with."""
        if not self._items:
            self.in_hand = None
            return None
        self._bytes -= self._sizes.popleft()
        self.in_hand = item = self._items.popleft()
        if self.relieved is not None and not self.crowded:
            relieved, self.relieved = self.relieved, None
            relieved()
        return item

    @property
    def crowded(self) -> bool:
        """Whether a quarter of what it may hold waits: then the next read may wait too."""
        return 4 * len(self._items) >= self._most or 4 * self._bytes >= self._most_bytes

    @property
    def done(self) -> int | None:
        """The number up to which everything was handed over and is done with; None: all that was heard."""
        hand = self.in_hand
        if hand is not None:
            number = hand.seq if isinstance(hand, Event) else hand.last
            if number is not None:
                return number - 1
        for item in self._items:
            number = item.seq if isinstance(item, Event) else item.first
            if number is not None:
                return number - 1
        return self.at if self.hole else None

    # -- the hole

    @property
    def wants_history(self) -> bool:
        """Whether it is time to ask."""
        return self.hole and not self.asking and not self._items and not self.over

    def asks(self) -> None:
        """History is asked for, from `at`."""
        self.asking = True
        self._missed_when_asked = self.missed

    def holds(self) -> None:
        """History is asked for, and nothing is known to be missing: what comes meanwhile lies behind it."""
        self.hole = True
        self.asks()

    def filled(
        self, history: Iterable[Heard], *, complete: bool, more: bool, up_to: int | None = None
    ) -> None:
        """The answer. `up_to`: the number up to which it speaks, where the server says so."""
        self.asking = False
        items = [item for item in history if isinstance(item, Gap) or (item.seq or 0) > self.at]
        told = bool(items) and isinstance(items[0], Gap)
        first = next((item.seq for item in items if isinstance(item, Event) and item.seq), None)
        if not complete and not told:
            last = first - 1 if first is not None else self._missed_when_asked
            if last > self.at:
                self._put(Gap(self.at + 1, last, "slow", self.room))
                self.at = last
        for item in items:
            self._put(item)
            number = item.last if isinstance(item, Gap) else item.seq
            self.at = max(self.at, number or 0)
        if more and first is not None:
            return
        if up_to is not None:
            self.at = max(self.at, up_to)
        if self.at < self._missed_when_asked:
            self._put(Gap(self.at + 1, self._missed_when_asked, "slow", self.room))
            self.at = self._missed_when_asked
        self.hole = self.at < self.missed

    def cannot_fill(self) -> None:
        """History was refused, or cannot be had: the hole is told, and the feed goes on."""
        self.asking = False
        if self.hole:
            self.hole = False
            if self.missed > self.at:
                self._put(Gap(self.at + 1, self.missed, "slow", self.room))
                self.at = self.missed

    def new_epoch(self) -> None:
        """The old numbers say nothing any more."""
        if self.hole:
            self.cannot_fill()
        self.asking = False
        self.at = self.missed = 0

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes; what waits may still be taken."""
        if not self.over:
            self.over, self.ended = True, error
            if self.wake is not None:
                self.wake()
