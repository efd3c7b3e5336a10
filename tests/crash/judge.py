"""What must hold of a run, whatever happened. It knows what was seen from outside, and none of our code.

Of each request there are three outcomes: done, not done, unknown. Done: an ack says so. Not done: an error
says so that is neither of "may have been done". Unknown: the rest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

from .ears import is_durable
from .facts import Facts, Hearing, Said

MAYBE: Final = ("OUTCOME_UNKNOWN", "ACK_EXPIRED")


def judge(facts: Facts, *, honest_disk: bool = True) -> list[str]:
    """What is wrong: nothing, if all held.

    `honest_disk`: it hung or failed at no time, so no gap `store` and no unknown publish is owed to it.
    """
    found = [*facts.broken]
    runs = Counter(facts.runs)
    found += [
        f"{token} ran {times} times in {handler}" for (handler, token), times in runs.items() if times > 1
    ]
    for (session, number), questions in facts.asked.items():
        if len(questions) > 1:
            found.append(f"request {number} of the server to {session} was asked as {sorted(questions)}")
    for said in facts.said:
        found += _of_request(said, runs, honest_disk, lossy=is_lossy(facts, said.what))
    for room, past in facts.past.items():
        found += _of_room(room, past, facts.said, is_lossy(facts, room))
    found += _of_order(facts.said, facts.machine)
    found += _of_collection(facts)
    everything = _all_known(facts)
    for hearing in facts.heard:
        lossy = is_lossy(facts, hearing.room)
        found += _of_hearing(hearing, everything[hearing.room], honest_disk, lossy)
    return found


def is_lossy(facts: Facts, room: str) -> bool:
    """Whether a crash may have taken what this durable room acknowledged."""
    return facts.machine and room.startswith("normal")


def _of_request(
    said: Said, runs: Counter[tuple[str, str]], honest_disk: bool, *, lossy: bool
) -> Iterator[str]:
    name = f"{said.kind} {said.what} {said.token} ({said.who} {said.session} id {said.id})"
    good: list[Any] = [answer.get("data") for answer in said.answers if "error" not in answer]
    if said.kind == "publish" and len({answer["seq"] for answer in good}) > 1 and not lossy:
        yield f"{name} has the acks {good}"
    errors = [answer["error"]["code"] for answer in said.answers if "error" in answer]
    if good and said.kind in {"publish", "emit"}:
        first = next(at for at, answer in enumerate(said.answers) if "error" not in answer)
        durable = said.what in {"buy", "note"} if said.kind == "emit" else is_durable(said.what)
        later = [answer["error"]["code"] for answer in said.answers[first:] if "error" in answer]
        if durable and any(code != "ACK_EXPIRED" for code in later):
            yield f"{name} was acknowledged, and then {later}"
    if said.kind == "publish" and is_durable(said.what) and "OUTCOME_UNKNOWN" in errors and honest_disk:
        yield f"{name} is unknown, and durable"
    if said.kind == "emit" and said.what in {"live", "buy", "note", "say"}:
        times = runs[said.what, said.token]
        if good and times != 1:
            yield f"{name} is acknowledged, and ran {times} times"
        known = errors and errors[-1] not in (*MAYBE, "INTERNAL", "UNAVAILABLE", "TIMEOUT")
        if known and times:
            yield f"{name} was refused ({errors}), and ran"
    if not said.answers and not said.given_up:
        yield f"{name} was sent {said.sent} times, and has no ack"


def _of_room(room: str, past: list[tuple[int, object]], said: list[Said], lossy: bool) -> Iterator[str]:
    """What is kept of a durable room: all that was acknowledged, where the ack said, and nothing twice."""
    numbers = [seq for seq, _ in past]
    if numbers != sorted(set(numbers)):
        yield f"{room} is kept out of order: {numbers}"
    times = Counter(token for _, token in past)
    yield from (f"{token} is in {room} {count} times" for token, count in times.items() if count > 1)
    where = {token: seq for seq, token in past}
    for each in said:
        name = f"{each.kind} {each.what} {each.token} ({each.who} {each.session} id {each.id})"
        good: list[Any] = [answer.get("data") for answer in each.answers if "error" not in answer]
        if each.kind == "publish" and each.what == room:
            for data in good:
                # One that came again after that was done again, and its last ack is the truth.
                lost = lossy and (each.token not in where or data is not good[-1])
                if where.get(each.token) != data["seq"] and not lost:
                    yield f"{name} was acknowledged as {data['seq']}, and is kept at {where.get(each.token)}"
            # One that was written in a session that is gone may have been done there, and be refused here.
            once = each.sent == 1
            if once and not good and each.error not in (None, *MAYBE) and each.token in where:
                yield f"{name} was refused ({each.error}), and is kept"
        says = each.kind == "emit" and each.room == room and each.what in {"buy", "note", "say"}
        if says and good and each.token not in where:
            yield f"{name} was acknowledged, and what its handler said is lost"


def _of_collection(facts: Facts) -> Iterator[str]:
    """Each change of a collection on disk is done once, as its author was told; each key's last is kept."""
    numbers: dict[int, tuple[str, int]] = {}
    last: dict[str, tuple[int, object]] = {}
    for seq, (key, value, _, _) in facts.shown.items():
        last[key] = max(last.get(key, (0, None)), (seq, value), key=lambda each: each[0])
    for each in facts.pushed:
        name = f"change {each.n} of {each.who} ({each.key}: {each.token})"
        if len(set(each.outcomes)) > 1:
            yield f"{name} came to {each.outcomes}"
        for outcome in each.outcomes:
            if isinstance(outcome, str):
                yield f"{name} was refused: {outcome}"
                continue
            told = facts.shown.get(outcome)
            if each.token is not None:
                if numbers.setdefault(outcome, (each.who, each.n)) != (each.who, each.n):
                    yield f"{name} is {outcome}, as is change {numbers[outcome][1]} of {numbers[outcome][0]}"
                last[each.key] = max(
                    last.get(each.key, (0, None)), (outcome, each.token), key=lambda it: it[0]
                )
                if told is not None and told[:2] != (each.key, each.token):
                    yield f"{name} is {outcome}, and {told} was heard there"
        if not each.outcomes:
            yield f"{name} has no outcome"
    writers = Counter((writer, n) for _, _, writer, n in facts.shown.values())
    yield from (
        f"change {n} of {writer} was heard {times} times"
        for (writer, n), times in writers.items()
        if times > 1
    )
    for key, (seq, value) in last.items():
        kept = facts.docs.get(key)
        if kept is None and value is not None:
            yield f"{key} is not kept, and was {value} at {seq}"
        elif kept is not None and (kept[0] < seq or (kept[0] == seq and kept[1] != value)):
            yield f"{key} is kept as {kept}, and was {value} at {seq}"


def _of_order(said: list[Said], machine: bool) -> Iterator[str]:
    """A session's publishes to a room are numbered in the order in which they were first said."""
    last: dict[tuple[str, str], tuple[int, int, str]] = {}
    for each in said:
        if each.kind != "publish" or not is_durable(each.what) or (each.sent > 1 and each.key is not None):
            continue
        if machine and each.what.startswith("normal"):
            continue
        good = [answer["data"]["seq"] for answer in each.answers if "error" not in answer]
        # One that was refused at first, and came again behind a start, which knows nothing of refusals.
        if not good or "error" in each.answers[0]:
            continue
        place = each.session, each.what
        before = last.get(place)
        if before is not None and before[0] < each.id and before[1] > good[0]:
            yield f"{each.token} is {good[0]}, and {before[2]} was said before it and is {before[1]}"
        last[place] = each.id, good[0], each.token


def _all_known(facts: Facts) -> dict[str, dict[int, object]]:
    """Every entry that is known to have been, by room: kept, acknowledged, or heard by anybody."""
    known: dict[str, dict[int, object]] = defaultdict(dict)
    for room, past in facts.past.items():
        known[room].update(past)
    for said in facts.said:
        if said.kind == "publish":
            for answer in said.answers:
                if "error" not in answer:
                    known[said.what][answer["data"]["seq"]] = said.token
    for hearing in facts.heard:
        for kind, seq, data in hearing.items:
            if kind == "event":
                known[hearing.room].setdefault(seq, data)
    return known


def _of_hearing(
    hearing: Hearing, everything: dict[int, object], honest_disk: bool, lossy: bool
) -> Iterator[str]:
    """Each entry at most once, in order, and what was not heard is covered by a gap that was told."""
    name = f"{hearing.who} {hearing.session} in {hearing.room} from {hearing.began}"
    heard: dict[int, object] = {}
    gaps: list[tuple[int, int]] = []
    last = hearing.began
    for kind, what, more in hearing.items:
        if kind == "gap":
            gaps.append(what)
            if is_durable(hearing.room) and not lossy and not (more == "store" and not honest_disk):
                yield f"{name}: a gap {what} ({more}) in a durable room"
            continue
        if what <= last and what in heard:
            yield f"{name}: {what} was heard twice"
        elif what <= last:
            yield f"{name}: {what} was heard behind {last}"
        heard[what] = more
        last = max(last, what)
        if everything.get(what, more) != more:
            yield f"{name}: {what} is {more!r} here, and {everything[what]!r} elsewhere"
    # What was heard, and then lost with its request, is done again when that comes again.
    tokens = Counter(() if lossy else heard.values())
    yield from (f"{name}: {token} was heard {times} times" for token, times in tokens.items() if times > 1)
    for seq in sorted(everything):
        covered = seq in heard or any(low <= seq <= high for low, high in gaps)
        if max(hearing.began, hearing.after) < seq <= hearing.upto and not covered:
            yield f"{name}: {seq} ({everything[seq]!r}) was not heard, nor a gap told (up to {hearing.upto})"
