"""`rtcore.JWT`: what is accepted, what is refused and why, and keys that change while it serves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

import rtcore
from rtcore._app.rights import expires_ms
from rtcore.auth import Hello

SECRET = "a secret of thirty-two bytes, and more"
OTHER = "another secret of thirty-two bytes or so"
ED, ED_OTHER = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


def pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: Any) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwk(key: Any, name: str, **more: str) -> dict[str, Any]:
    algorithm = {ED: "EdDSA", ED_OTHER: "EdDSA", EC: "ES256", RSA: "RS256"}[key]
    made: Any = jwt.algorithms.get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": name, **more}


def token(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **claims: Any) -> str:
    said = {"sub": "ann", "exp": time.time() + 600, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm, headers=None if kid is None else {"kid": kid})


def why(check: rtcore.JWT, given_token: str | None) -> str:
    with pytest.raises(rtcore.Refuse) as refused:
        check(Hello(token=given_token))
    assert refused.value.code == "UNAUTHORIZED"
    return refused.value.message


@pytest.mark.parametrize(
    ("keys", "algorithms", "signing"),
    [
        (SECRET, "HS256", SECRET),
        (SECRET.encode(), ["HS256"], SECRET),
        (pem(ED), ["EdDSA"], ED),
        (pem(EC), ["ES256"], EC),
        (pem(RSA), ["RS256"], RSA),
        (pem(RSA), ["PS256"], RSA),
        (jwk(EC, "a"), ["ES256"], EC),
        ({"keys": [jwk(EC, "a"), jwk(ED, "b")]}, ["EdDSA", "ES256"], ED),
        ([pem(RSA), pem(EC), pem(ED)], ["RS256", "ES256", "EdDSA"], ED),
        ({"one": pem(ED_OTHER), "two": pem(ED)}, ["EdDSA"], ED),
        (json.dumps({"keys": [jwk(ED, "b")]}), ["EdDSA"], ED),
        (
            {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")},
            ["HS256"],
            SECRET,
        ),
    ],
)
def test_a_token_is_a_user_until_it_ends(keys: Any, algorithms: Any, signing: Any) -> None:
    check = rtcore.JWT(keys, algorithms)
    end = time.time() + 100
    name = algorithms if isinstance(algorithms, str) else algorithms[-1]
    if signing is ED:
        name = "EdDSA"
    user = check(Hello(token=token(signing, name, exp=end)))
    assert user.id == "ann"
    assert user.expires == int(end) or user.expires == pytest.approx(end)
    assert rtcore.App().authenticate(check) is check


def unsigned(claims: dict[str, Any], **head: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'typ': 'JWT', **head})}.{part(claims)}."


def test_what_is_wrong_with_a_token_is_told() -> None:
    check = rtcore.JWT(SECRET, ["HS256"], audience="us", issuer="them", leeway=5)

    def made(**claims: Any) -> str:
        return token(**{"aud": "us", "iss": "them", **claims})

    assert check(Hello(token=made(exp=time.time() - 2))).id == "ann"  # within the leeway
    told = {
        "there is none": None,
        "has expired": made(exp=time.time() - 60),
        "not valid yet": made(nbf=time.time() + 60),
        "for somebody else": made(aud="others"),
        "has no `aud`": made(aud=None),
        "not from the issuer": made(iss="someone"),
        "has no `exp`": made(exp=None),
        "has no `sub`": made(sub=None),
        "signature is not that": token(OTHER, aud="us", iss="them"),
        "way that is not accepted": token(SECRET.ljust(64), "HS512", aud="us", iss="them"),
        "is no JSON Web Token": "nonsense",
        "cannot be a user": made(sub="x" * 250),
        "control characters": made(sub="a\nb"),
        "may have": "x" * 20_000,
    }
    for text, given_token in told.items():
        assert text in why(check, given_token), text
    assert "not accepted" in why(check, unsigned({"sub": "ann", "aud": "us", "iss": "them"}, alg="none"))
    for sub in ("", 3, ["a"]):
        why(check, jwt_raw({"sub": sub, "aud": "us", "iss": "them", "exp": time.time() + 60}))
    for exp in (float("inf"), float("nan"), 1e300, "soon", [1]):
        try:
            user = check(Hello(token=jwt_raw({"sub": "ann", "aud": "us", "iss": "them", "exp": exp})))
        except rtcore.Refuse:
            continue
        assert expires_ms(user) is not None
        assert expires_ms(user) < 1 << 63


def jwt_raw(claims: Any) -> str:
    """Signed as it is, with claims that an honest library would not write."""
    body = unsigned(claims, alg="HS256")[:-1]
    mac = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_a_public_key_is_never_a_secret() -> None:
    """The classic: sign with HS256 and the public key, which everybody has, as the secret."""
    check = rtcore.JWT(pem(RSA), ["RS256"])
    body = unsigned({"sub": "ann", "exp": time.time() + 60}, alg="HS256")[:-1]
    mac = hmac.new(pem(RSA).encode(), body.encode(), hashlib.sha256).digest()
    forged = f"{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert "not accepted" in why(check, forged)
    # A key that the token brings along is nobody's.
    brought = jwt.encode(
        {"sub": "ann", "exp": time.time() + 60}, ED, "EdDSA", headers={"jwk": jwk(ED, "x"), "jku": "http://x"}
    )
    assert "signature" in why(rtcore.JWT(pem(ED_OTHER), ["EdDSA"]), brought)


@pytest.mark.parametrize(
    ("keys", "algorithms", "says"),
    [
        (SECRET, ["none"], "not with 'none'"),
        (SECRET, [], "name the algorithms"),
        (SECRET, ["HS256", "RS256"], "never both"),
        ("short", ["HS256"], "has 5 bytes, and 32"),
        (SECRET, ["HS512"], "64 are needed"),
        (pem(RSA), ["HS256"], "is no secret"),
        (private_pem(RSA), ["RS256"], "private key"),
        (pem(RSA), ["EdDSA"], "no public key for EdDSA"),
        ("nonsense", ["RS256"], "no public key"),
        ({"keys": []}, ["RS256"], "no key for RS256"),
        ({"keys": [jwk(RSA, "a")]}, ["EdDSA"], "no key for EdDSA"),
        ({"keys": [jwk(RSA, "a", use="enc")]}, ["RS256"], "no key for RS256"),
        ({"keys": [jwk(RSA, "a", d="x")]}, ["RS256"], "is private"),
        ({"keys": [{"kty": "RSA", "n": "x"}]}, ["RS256"], "cannot be used"),
        ("{nonsense", ["RS256"], "no JSON"),
        (3, ["HS256"], "not a int"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_at_once(keys: Any, algorithms: list[str], says: str) -> None:
    with pytest.raises(rtcore.UsageError, match=says):
        rtcore.JWT(keys, algorithms)


def test_the_key_id_chooses() -> None:
    check = rtcore.JWT({"keys": [jwk(ED, "new"), jwk(ED_OTHER, "old")]}, ["EdDSA"])
    for key, kid in ((ED, "new"), (ED_OTHER, "old"), (ED, None)):
        assert check(Hello(token=token(key, "EdDSA", kid))).id == "ann"
    assert "signature" in why(check, token(ED, "EdDSA", "old"))
    assert "not known here" in why(check, token(ED, "EdDSA", "other"))


def test_keys_are_rotated_while_it_serves() -> None:
    check = rtcore.JWT({"a": SECRET}, ["HS256"])
    check.rotate({"a": SECRET, "b": OTHER})
    assert check(Hello(token=token(OTHER, kid="b"))).id == "ann"
    check.rotate({"b": OTHER})
    assert "not known here" in why(check, token(SECRET, kid="a"))
    with pytest.raises(rtcore.UsageError):
        check.rotate("short")
    assert check(Hello(token=token(OTHER, kid="b"))).id == "ann"


def test_a_file_is_read_again_when_it_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys.json"

    def write(text: str) -> None:
        fresh = tmp_path / "fresh"
        fresh.write_text(text)
        fresh.replace(file)

    write(json.dumps({"keys": [jwk(ED, "a")]}))
    check = rtcore.JWT(file, ["EdDSA"])
    assert check(Hello(token=token(ED, "EdDSA", "a"))).id == "ann"
    write(json.dumps({"keys": [jwk(ED, "a"), jwk(ED_OTHER, "b")]}))
    assert check(Hello(token=token(ED_OTHER, "EdDSA", "b"))).id == "ann"
    write("half a fi")
    for _ in range(2):
        assert check(Hello(token=token(ED_OTHER, "EdDSA", "b"))).id == "ann"
    assert len([record for record in caplog.records if "the old ones stay" in record.message]) == 1
    write(pem(ED_OTHER))
    assert "signature" in why(check, token(ED, "EdDSA", "a"))
    with pytest.raises(OSError, match="nowhere"):
        rtcore.JWT(tmp_path / "nowhere", ["EdDSA"])


def test_a_function_is_asked_for_each_token() -> None:
    keys: list[Any] = [SECRET]
    check = rtcore.JWT(lambda: keys[0], ["HS256"])
    assert check(Hello(token=token())).id == "ann"
    keys[0] = OTHER
    assert "signature" in why(check, token())

    def away() -> Any:
        raise LookupError("the key service is away")

    keys[0] = SECRET
    failing: Callable[[], Any] = lambda: keys[0] if keys else away()  # noqa: E731
    check = rtcore.JWT(failing, ["HS256"])
    keys.clear()
    with pytest.raises(LookupError):  # 1011, come back: never 4501
        check(Hello(token=token()))


def test_without_a_token() -> None:
    assert rtcore.JWT(SECRET, ["HS256"], anonymous=True)(Hello()) is rtcore.ANONYMOUS
    assert "has no `exp`" in why(rtcore.JWT(SECRET, ["HS256"]), token(exp=None))
    assert rtcore.JWT(SECRET, ["HS256"], require=["sub"])(Hello(token=token(exp=None))).expires is None
    assert "`sub`" in why(rtcore.JWT(SECRET, ["HS256"], require=[]), token(sub=None))


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
)
def test_no_text_does_anything_but_be_refused(text: str) -> None:
    check = rtcore.JWT(SECRET, ["HS256"])
    for given_token in (
        text,
        f"{text}.{text}.{text}",
        token()[:-3] + text,
        f"{token().split('.')[0]}.{text}.x",
    ):
        if given_token != token():
            with pytest.raises(rtcore.Refuse):
                check(Hello(token=given_token))
