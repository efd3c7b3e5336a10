"""What a token says and what a key is, of every kind: taken for what it is, or refused by name."""

from __future__ import annotations

import base64
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
import trio.testing
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

import rtcore
from rtcore._app.rights import expires_ms
from rtcore._tokens.claims import AHEAD
from rtcore.auth import Hello
from rtcore.testing import memory_server

from .test_jwt import EC, ED, ED_OTHER, RSA, SECRET, jwk, jwt_raw, pem, token, why
from .test_life import build

CHECK = rtcore.JWT(SECRET, ["HS256"])


def signed(**claims: Any) -> str:
    return jwt_raw({"sub": "ann", "exp": time.time() + 600, **claims})


def user(check: rtcore.JWT, given_token: str) -> rtcore.User:
    found = check(Hello(token=given_token))
    assert isinstance(found, rtcore.User)
    return found


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# -- secrets: one random secret in 21 begins or ends with a byte that is white space in text


CORE = bytes(range(0x80, 0x80 + 31))
ODD = [CORE + b"\n", b" " + CORE, CORE + b"12345678\t", b"{" + CORE, b"{}" + CORE, b"\n\r" + CORE]


@pytest.mark.parametrize("secret", ODD)
@pytest.mark.parametrize("way", ["bytes", "bytearray", "jwk", "jwks", "by name", "list", "function", "file"])
def test_a_secret_in_bytes_is_what_it_is(way: str, secret: bytes, tmp_path: Path) -> None:
    key = {"kty": "oct", "kid": None, "k": b64(secret)}
    file = tmp_path / "secret"
    file.write_bytes(secret)
    made: dict[str, Any] = {
        "bytes": secret,
        "bytearray": bytearray(secret),
        "jwk": key,
        "jwks": {"keys": [key]},
        "by name": {"a": secret},
        "list": [secret],
        "function": lambda: secret,
        "file": file,
    }
    assert user(rtcore.JWT(made[way], ["HS256"]), token(secret)).id == "ann"


def test_any_random_secret_can_be_used() -> None:
    dice = random.Random(1)
    for _ in range(300):
        secret = dice.randbytes(32)
        assert user(rtcore.JWT(secret, ["HS256"]), token(secret)).id == "ann"


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\ufeff{}"])
def test_a_text_is_taken_without_what_is_around_it(around: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(around.format(SECRET).encode())
    assert user(rtcore.JWT(file, ["HS256"]), token(SECRET)).id == "ann"
    text = around.format(SECRET).strip("\ufeff")
    assert user(rtcore.JWT(text, ["HS256"]), token(SECRET)).id == "ann"


# -- sets of keys: one that cannot be used loses no others


P384 = ec.generate_private_key(ec.SECP384R1())
STRANGE: list[Any] = [
    {"kty": "OKP", "crv": "X25519", "x": b64(bytes(32)), "kid": "x"},  # it does not sign
    {"kty": "OKP", "crv": "Ed25519", "kid": "x"},
    {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "x"},
    {"kty": "OKP", "crv": "Ed25519", "x": 5, "kid": "x"},
    {"kty": "RSA", "n": "x", "kid": "x"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "x"},
    {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "x"},
    {"kty": "EC", "crv": ["P-256"], "kid": "x"},
    {"kty": ["EC"], "kid": "x"},
    {"kty": "oct", "k": b64(bytes(64)), "kid": "x"},
    {**jwk(RSA, "x"), "d": "AQAB"},  # private, and published
    {**jwk(RSA, "x"), "kid": 5},
    {**jwk(RSA, "x"), "use": "enc"},
    {**jwk(RSA, "x"), "alg": "RSA-OAEP"},
    {"kid": "x"},
    "a text",
    None,
    5,
    [],
]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda one: json.dumps(one)[:40])
@pytest.mark.parametrize("first", [True, False])
def test_one_bad_key_does_not_lose_the_good_ones(strange: Any, first: bool) -> None:
    """A provider publishes an encryption key, or a key of a kind of tomorrow, beside the one that signs."""
    good = [jwk(ED, "a"), jwk(RSA, "b")]
    check = rtcore.JWT({"keys": [strange, *good] if first else [*good, strange]}, ["EdDSA", "RS256", "ES256"])
    assert user(check, token(ED, "EdDSA", "a")).id == "ann"
    assert user(check, token(RSA, "RS256", "b")).id == "ann"
    assert "not known here" in why(check, token(ED, "EdDSA", "x"))
    with pytest.raises(rtcore.UsageError):  # alone it is an error, as before
        rtcore.JWT({"keys": [strange]}, ["EdDSA", "RS256", "ES256"])


def test_keys_that_are_left_out_are_named(caplog: pytest.LogCaptureFixture) -> None:
    rtcore.JWT({"keys": [jwk(ED, "a"), {"kty": "OKP", "crv": "Ed25519", "kid": "broken"}]}, ["EdDSA"])
    assert "'broken'" in caplog.text


def test_keys_with_one_id_are_both_tried_and_those_without_serve_any() -> None:
    check = rtcore.JWT({"keys": [jwk(ED, "a"), jwk(ED_OTHER, "a")]}, ["EdDSA"])
    for key in (ED, ED_OTHER):
        assert user(check, token(key, "EdDSA", "a")).id == "ann"
    plain = jwk(ED, "a")
    del plain["kid"]
    assert user(rtcore.JWT({"keys": [plain]}, ["EdDSA"]), token(ED, "EdDSA", "new")).id == "ann"


@pytest.mark.parametrize("keys", [pem(P384), None])
def test_a_curve_signs_in_one_way(keys: str | None) -> None:
    import jwt

    made: Any = keys or jwt.algorithms.get_default_algorithms()["ES384"].to_jwk(
        P384.public_key(), as_dict=True
    )
    check = rtcore.JWT([made, pem(EC)], ["ES256", "ES384"])
    assert user(check, token(P384, "ES384")).id == "ann"
    assert user(check, token(EC, "ES256")).id == "ann"
    with pytest.raises(rtcore.UsageError):
        rtcore.JWT(made, ["ES256"])


# -- claims


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize("leeway", [0, 5, 300])
def test_a_clock_that_is_ahead_is_no_fault(name: str, leeway: float) -> None:
    """Who issues a token has another clock: two seconds ahead is a token of this moment."""
    check = rtcore.JWT(SECRET, ["HS256"], leeway=leeway)
    for ahead in (-1000, 0, 2, AHEAD - 5, max(AHEAD, leeway) - 5):
        assert user(check, signed(**{name: time.time() + ahead})).id == "ann"
    refused = signed(**{name: time.time() + max(AHEAD, leeway) + 5})
    assert "not valid yet" in why(check, refused)


WRONG = ["soon", "1e9", str(10**9), True, [1], {}, float("inf"), float("nan"), -float("inf")]


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", WRONG)
def test_a_date_is_a_number(name: str, value: Any) -> None:
    assert f"`{name}` is " in why(CHECK, signed(**{name: value}))


def test_a_date_that_no_clock_can_show_is_never() -> None:
    for exp in (1e300, 10**400, 253_402_300_800 * 1000):
        found = user(CHECK, signed(exp=exp))
        assert found.expires == 253_402_300_799
    for name in ("iat", "nbf"):
        assert "not valid yet" in why(CHECK, signed(**{name: 1e300}))
    for exp in (0, -1, -1e300, -(10**400)):
        assert "has expired" in why(CHECK, signed(exp=exp))


@pytest.mark.parametrize(
    ("sub", "says"),
    [
        (42, "`sub` is 42, and must be a text"),
        (4.5, "`sub` is 4.5"),
        (True, "`sub` is a truth value"),
        (["ann"], "`sub` is a list"),
        ({"id": 1}, "`sub` is an object"),
        (10**100, "a number of many digits"),
        (None, "has no `sub`"),
        ("", "cannot be a user"),
        ("\ud800", "cannot be a user"),
        ("a\u0000b", "control characters"),
    ],
)
def test_whose_a_token_is_is_a_text(sub: Any, says: str) -> None:
    told = why(CHECK, signed(sub=sub))
    assert says in told
    told.encode()


@pytest.mark.parametrize(
    ("aud", "taken"),
    [
        ("us", True),
        (["us"], True),
        (["others", "us"], True),
        ("others", False),
        (["others"], False),
        ([], False),
        ("", False),
        (None, False),
        (["us", 5], False),
        (5, False),
        ({"us": 1}, False),
    ],
)
def test_whom_a_token_is_for(aud: Any, taken: bool) -> None:
    for audience in ("us", ["us", "them"], iter(["us"])):
        check = rtcore.JWT(SECRET, ["HS256"], audience=audience)
        for _ in range(2):  # an iterator is read once, and each token is looked at with all of it
            if taken:
                assert user(check, signed(aud=aud)).id == "ann"
            else:
                assert "`aud`" in why(check, signed(aud=aud))
    if aud:  # for somebody in particular, and nobody said that this is us
        assert "`aud`" in why(CHECK, signed(aud=aud))
    else:
        assert user(CHECK, signed(aud=aud)).id == "ann"


@pytest.mark.parametrize("iss", ["others", "", None, 5, ["them"], {"them": 1}])
def test_whom_a_token_is_from(iss: Any) -> None:
    for issuer in ("them", ["them", "they"]):
        check = rtcore.JWT(SECRET, ["HS256"], issuer=issuer)
        why(check, signed(iss=iss))
        assert user(check, signed(iss="them")).id == "ann"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["sub", "exp", "iat", "nbf", "aud", "iss", "jti"]), values))
def test_whatever_a_signed_token_says_it_is_a_user_or_a_refusal_that_can_be_said(
    claims: dict[str, Any],
) -> None:
    for check in (CHECK, rtcore.JWT(SECRET, ["HS256"], audience="us", issuer="them", require=[])):
        found: Any = None
        try:
            found = check(Hello(token=signed(**claims)))
        except rtcore.Refuse as refused:
            found = refused
        if isinstance(found, rtcore.Refuse):
            assert found.code == "UNAUTHORIZED"
            assert len(found.message.encode()) < 300
        else:
            assert isinstance(found, rtcore.User)
            assert expires_ms(found) is None or 0 <= expires_ms(found) < 1 << 63


# -- and what the peer hears


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: signed(exp=time.time() - 60), 4005),
        (lambda: signed(nbf=time.time() + 600), 4005),
        (lambda: signed(sub=42), 4501),
        (lambda: signed(exp="soon"), 4501),
        (lambda: token("another secret of thirty-two bytes or so"), 4501),
    ],
)
async def test_whoever_may_come_back_with_another_token_is_told_so(
    made: Any, code: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with memory_server(build(rtcore.JWT(SECRET, ["HS256"]))) as server:
        client = await server.connect()
        await client.send({"type": "hello", "v": 1, "token": made()})
        assert (await client.until("bye"))["code"] == code
        assert (await client.wait_closed()).code == code
