"""API keys by themselves: how they are written, found and kept; and the bucket of each."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcore.config import Config, load
from rtcore.errors import ConfigError
from rtcore.http_api import keys as module
from rtcore.http_api.keys import ApiKey, find, read_keys
from rtcore.http_api.rates import Bucket

texts = st.text("abcXYZ019-._~+/", min_size=1, max_size=30)


@given(st.lists(texts, unique=True, max_size=5), texts)
def test_a_key_is_found_by_itself_alone(written: list[str], given_key: str) -> None:
    found = find(read_keys(written), given_key.encode())
    assert (None if found is None else found.digest) == (
        hashlib.sha256(given_key.encode()).digest() if given_key in written else None
    )


def test_every_key_is_compared_whichever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of an answer says neither which key was close nor how close: all digests, each time."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(module, "hmac", type("H", (), {"compare_digest": staticmethod(compare)}))
    keys = read_keys(["first", "second", "third"])
    for given_key in (b"first", b"third", b"none of them"):
        compared.clear()
        find(keys, given_key)
        assert [one for one, _ in compared] == [key.digest for key in keys]
        assert {other for _, other in compared} == {hashlib.sha256(given_key).digest()}


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (["a b"], "letters, digits"),
        ([""], "letters, digits"),
        ([3], "letters, digits"),
        (7, "a list of keys"),
        ([{"name": "x"}], "letters, digits"),
        ([{"key": "abc", "room": ["x"]}], "nothing else: in number 1 there is 'room'"),
        ([{"key": "abc", "rooms": "x"}], "rooms in number 1 are a list"),
        ([{"key": "abc", "operations": ["delete"]}], "in number 1: 'delete'"),
        ([{"key": "abc", "rooms": ["news*"], "operations": ["watch"]}], "leave out `rooms`, or 'watch'"),
        ([{"key": "abc", "rate": 0}], "rate"),
        ([{"key": "abc", "rate": True}], "rate"),
        ([{"key": "abc", "rate": 1, "burst": 0}], "burst"),
        ([{"key": "abc", "burst": 2}], "has a rate beside it"),
        ([{"key": "abc", "name": ""}], "name"),
        (["abc", "abc"], "number 2 is there already"),
        ([{"key": "abc", "name": "n"}, {"key": "def", "name": "n"}], "number 2 is there already"),
    ],
)
def test_what_cannot_be_a_key_is_told_without_the_key(written: Any, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.of(api_keys=written)
    assert says in str(caught.value)
    assert "abc" not in str(caught.value)


def test_keys_from_environment_flags_and_file(tmp_path: Any) -> None:
    file = tmp_path / "rtcore.toml"
    file.write_text('[[api_keys]]\nkey = "from-file"\nname = "cron"\nrooms = ["news*"]\nrate = 2.5\n')
    one = load({}, environment={}, file=file).config.api_keys
    assert [(key.name, key.rooms, key.rate, key.burst) for key in one] == [("cron", ("news*",), 2.5, 3)]
    assert "history" in one[0].operations
    assert "watch" not in one[0].operations, "who may watch sees every room"
    two = load({}, environment={"RTCORE_API_KEYS": "a1, b2"}, file=file)
    assert [key.digest for key in two.config.api_keys] == [key.digest for key in read_keys(["a1", "b2"])]
    three = load({"api_keys": ("c3",)}, environment={"RTCORE_API_KEYS": "a1"}, file=file)
    assert find(three.config.api_keys, b"c3") is not None
    rows = {name: (value, source) for name, value, source, _ in two.rows()}
    assert rows["api_keys"][1] == "RTCORE_API_KEYS"
    assert "a1" not in str(rows)


def test_a_key_may_in_rooms_by_pattern() -> None:
    key = ApiKey(digest=b"", name="x", rooms=("news:*", "$user/*"), operations=("publish", "send"))
    assert key.may("publish", "news:a")
    assert not key.may("history", "news:a")
    assert key.may("send", "$user/ann")
    assert not key.may("send", "$all")


@given(
    rate=st.floats(0.1, 100),
    burst=st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 3)), max_size=60),
)
def test_no_more_pass_than_rate_and_burst_allow(
    rate: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    """Over any stretch of time: at most `burst` and what was added, and never a refusal when one is owed."""
    bucket, now, spent = Bucket(rate, burst, 0.0), 0.0, 0
    for later, more in steps:
        now += later
        wait = bucket.take(now)
        if wait == 0:
            spent += 1 + more
            bucket.owe(more)
        else:
            assert bucket.take(now) == pytest.approx(wait)  # a refusal takes nothing
            refused, now = now, now + wait * 1.000001 + 1e-9
            assert now > refused
            assert bucket.take(now) == 0.0
            spent += 1
        assert spent - 3 <= burst + rate * now + 1


def test_a_clock_that_goes_back_harms_nothing() -> None:
    bucket = Bucket(1.0, 1, 10.0)
    assert bucket.take(10.0) == 0.0
    assert bucket.take(5.0) == 1.0
    assert bucket.take(10.5) == 0.5
