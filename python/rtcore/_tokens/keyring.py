"""The keys that tokens are checked with: where they are from, which one is meant, and how they change.

    source      a secret, a PEM text, a JWK or JWKS, names with keys, a file, a function, or a list of these
      │ read    once, and again when the file or what the function gives has changed
      ▼
    keys        each with its id, if it has one, and the algorithms that it may be used with

Invariant: a key is used only with algorithms that are pinned and that are its own kind's. A secret is never a
public key, and a public key never a secret, whatever a token's head says: that is what confused others.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from rtcore.errors import UsageError

from .jwks import JWKS

log = logging.getLogger("rtcore.app")

Source: TypeAlias = "str | bytes | Path | Mapping[str, Any] | Sequence[Any] | Callable[[], Any]"

# By the kind of key, as JWKs have it (RFC 7518 §6.1). `none` is in no list, and cannot be asked for.
_KINDS: Final = {
    "oct": ("HS256", "HS384", "HS512"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES256K", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
# The curve decides how a key signs (RFC 7518 §3.4, RFC 8037 §3.1, RFC 8812 §3.2); X25519 does not sign.
_CURVES: Final = {
    "P-256": "ES256",
    "secp256k1": "ES256K",
    "P-384": "ES384",
    "P-521": "ES512",
    "Ed25519": "EdDSA",
    "Ed448": "EdDSA",
}
_PEM_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
KNOWN: Final = tuple(name for names in _KINDS.values() for name in names)
# RFC 7518 §3.2: a secret is at least as long as the hash.
_SECRET: Final = {"HS256": 32, "HS384": 48, "HS512": 64}


class Key(NamedTuple):
    """A key that can be used: with these algorithms, and no others."""

    kid: str | None
    algorithms: tuple[str, ...]
    key: Any


class _Now(NamedTuple):
    """The keys, where they are from, and what was seen there: one thing, for whichever thread looks."""

    source: Source | JWKS
    seen: Any
    keys: list[Key]


class Keyring:
    """The keys of one source, read again when they change."""

    def __init__(self, source: Source | JWKS, algorithms: Sequence[str]) -> None:
        """Raises UsageError: an algorithm is unknown, kinds are mixed, or no key can be used."""
        self._algorithms = tuple(algorithms)
        for name in self._algorithms:
            if name not in KNOWN:
                raise UsageError(f"tokens may be signed with {', '.join(KNOWN)}; not with {name!r}")
        secret = [name in _SECRET for name in self._algorithms]
        if not secret or any(secret) != all(secret):
            raise UsageError("name the algorithms: of secrets (HS...) or of public keys, and never both")
        self.rotate(source)

    @property
    def source(self) -> Source | JWKS:
        """Where they are from."""
        return self._now.source

    def rotate(self, source: Source | JWKS) -> None:
        """Use these keys from now on.

        Raises:
            UsageError: there is none among them that can be used; the old ones stay.

        """
        seen = self._look(source)
        fetched = isinstance(source, JWKS)
        # Those of another service are perhaps to come; what is wrong with them then is its matter.
        self._now = _Now(source, None if fetched else seen, [] if fetched else self._read(seen))

    def named(self, kid: str | None) -> list[Key]:
        """The keys that a token with this key id may be signed by: that one, or all that have no id."""
        keys = self._current()
        if kid is None:
            return keys
        return [key for key in keys if key.kid == kid] or [key for key in keys if key.kid is None]

    def _current(self) -> list[Key]:
        """The keys now. A file that cannot be read for the moment leaves those that were there."""
        source, before, keys = self._now
        if not isinstance(source, Path | JWKS) and not callable(source):
            return keys
        try:
            seen = self._look(source)
            if seen is not before and seen == before:
                self._now = _Now(source, seen, keys)  # so that it is compared once
            elif seen is not before:
                self._now = _Now(source, seen, keys)  # what is wrong with it is said once
                self._now = _Now(source, seen, self._read(seen))
        except (OSError, UsageError) as error:
            if callable(source):
                raise
            log.error(  # noqa: TRY400 - a sentence says it all
                "the keys of %s cannot be read, and the old ones stay: %s", source, error
            )
        return self._now.keys

    @staticmethod
    def _look(source: Source | JWKS) -> Any:
        """What is there now, so that a change is seen: of a file its times and size, with its path."""
        if isinstance(source, JWKS):
            return source.document
        if isinstance(source, Path):
            about = source.stat()
            return source, about.st_mtime_ns, about.st_size, about.st_ino
        return source() if callable(source) else source

    def _read(self, seen: Any) -> list[Key]:
        keys = self._each(content(seen[0]) if _is_file(seen) else seen, None)
        if not keys:
            raise UsageError(f"there is no key for {', '.join(self._algorithms)} among those that were given")
        return keys

    def _each(self, given: Any, kid: str | None) -> list[Key]:
        if isinstance(given, Key):
            return [given]
        if isinstance(given, bytes | bytearray | memoryview):
            return self._binary(bytes(given), kid)
        if isinstance(given, str):
            # Text that is read from somewhere has a line end; it is no part of what is meant.
            if given.lstrip().startswith("{"):
                try:
                    return self._each(json.loads(given), kid)
                except ValueError as error:
                    raise UsageError(f"a key that begins with {{ is no JSON: {error}") from None
            return [self._plain(given.strip().encode(), kid)]
        if isinstance(given, Mapping):
            if isinstance(given.get("keys"), list):
                return self._set(given["keys"])
            if "kty" in given:
                return self._jwk(given)
            return [key for name, each in given.items() for key in self._each(each, name)]
        if isinstance(given, Sequence):
            return [key for each in given for key in self._each(each, kid)]
        raise UsageError(f"a key is a text, bytes, a JWK or a file, and not a {type(given).__name__}")

    def _set(self, given: Sequence[Any]) -> list[Key]:
        """The keys of a set that can be used. Those that cannot lose no others; alone, they are an error."""
        keys: list[Key] = []
        faults: list[UsageError] = []
        for each in given:
            try:
                keys += self._jwk(each)
            except UsageError as error:
                faults.append(error)
        if faults and not keys:
            raise faults[0]
        for fault in faults:
            log.warning("a key of a set is left out: %s", fault)
        return keys

    def _binary(self, given: bytes, kid: str | None) -> list[Key]:
        """Bytes are what they are: a random secret may begin with `{`, or end with what is white space."""
        if given.lstrip().startswith(b"{"):
            try:
                found = json.loads(given)
            except ValueError:
                found = None
            if isinstance(found, dict):
                return self._each(found, kid)
        return [self._plain(given, kid)]

    def _plain(self, text: bytes, kid: str | None) -> Key:
        if self._algorithms[0] in _SECRET:
            secret = text
            least = max(_SECRET[name] for name in self._algorithms)
            if b"-----BEGIN" in secret or secret.startswith((b"ssh-", b"ecdsa-")):
                raise UsageError("a public or private key is no secret: anybody could sign with it")
            if len(secret) < least:
                raise UsageError(f"the secret has {len(secret)} bytes, and {least} are needed")
            return Key(kid, self._algorithms, secret)
        if b"PRIVATE KEY" in text:
            raise UsageError("this is a private key: tokens are checked with the public one alone")
        from jwt import InvalidKeyError
        from jwt.algorithms import get_default_algorithms

        known = get_default_algorithms()
        for name in self._algorithms:
            try:
                key: Any = known[name].prepare_key(text)
            except (InvalidKeyError, TypeError, ValueError):
                continue
            kind = next(kind for kind, its in _KINDS.items() if name in its)
            curve = getattr(getattr(key, "curve", None), "name", None)
            return Key(kid, self._of_kind(kind, _PEM_CURVES.get(curve or "", curve)), key)
        raise UsageError(f"this is no public key for {', '.join(self._algorithms)}, as PEM has it")

    def _jwk(self, jwk: Any) -> list[Key]:
        """A key of a set; none where it is for something else."""
        from jwt import PyJWK

        if not isinstance(jwk, Mapping) or "kty" not in jwk:
            raise UsageError(f"a key of a set is an object with `kty`, and not a {type(jwk).__name__}")
        kind, only, kid = jwk["kty"], jwk.get("alg"), jwk.get("kid")
        curve = jwk.get("crv") if kind in ("EC", "OKP") else None
        algorithms = tuple(name for name in self._of_kind(str(kind), curve) if only in (None, name))
        if not algorithms or jwk.get("use", "sig") != "sig":
            return []
        if kid is not None and not isinstance(kid, str):
            raise UsageError(f"the id of a key of the set is a text, and not {str(kid)[:40]!r}")
        if kind != "oct" and "d" in jwk:
            raise UsageError(f"the key {kid!r} is private: tokens are checked with the public one alone")
        try:
            key = PyJWK(dict(jwk), algorithms[0]).key
        except Exception as error:  # noqa: BLE001 - what a set from elsewhere makes the libraries do
            raise UsageError(f"the key {kid!r} of the set cannot be used: {type(error).__name__}") from None
        if kind == "oct":
            return [self._plain(key, kid)._replace(algorithms=algorithms)]
        return [Key(kid, algorithms, key)]

    def _of_kind(self, kind: str, curve: object = None) -> tuple[str, ...]:
        """The algorithms that are accepted and that a key of this kind, on this curve, signs with."""
        names = _KINDS.get(kind, ())
        if curve is not None:
            only = _CURVES.get(curve) if isinstance(curve, str) else None
            names = (only,) if only in names else ()
        return tuple(name for name in self._algorithms if name in names)


def content(file: Path) -> str | bytes:
    """A file of text is text; a secret of random bytes is none, and stays as it is."""
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw


def _is_file(seen: Any) -> bool:
    return isinstance(seen, tuple) and len(seen) == 4 and isinstance(seen[0], Path)
