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

from .errors import UsageError

log = logging.getLogger("rtcore.app")

Source: TypeAlias = "str | bytes | Path | Mapping[str, Any] | Sequence[Any] | Callable[[], Any]"

# By the kind of key, as JWKs have it (RFC 7518 §6.1). `none` is in no list, and cannot be asked for.
_KINDS: Final = {
    "oct": ("HS256", "HS384", "HS512"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES256K", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
KNOWN: Final = tuple(name for names in _KINDS.values() for name in names)
# RFC 7518 §3.2: a secret is at least as long as the hash.
_SECRET: Final = {"HS256": 32, "HS384": 48, "HS512": 64}


class Key(NamedTuple):
    """A key that can be used: with these algorithms, and no others."""

    kid: str | None
    algorithms: tuple[str, ...]
    key: Any


class Keyring:
    """The keys of one source, read again when they change."""

    def __init__(self, source: Source, algorithms: Sequence[str]) -> None:
        """Raises UsageError: an algorithm is unknown, kinds are mixed, or no key can be used."""
        self._algorithms = tuple(algorithms)
        for name in self._algorithms:
            if name not in KNOWN:
                raise UsageError(f"tokens may be signed with {', '.join(KNOWN)}; not with {name!r}")
        secret = [name in _SECRET for name in self._algorithms]
        if not secret or any(secret) != all(secret):
            raise UsageError("name the algorithms: of secrets (HS...) or of public keys, and never both")
        self.rotate(source)

    def rotate(self, source: Source) -> None:
        """Use these keys from now on.

        Raises:
            UsageError: there is none among them that can be used; the old ones stay.

        """
        seen = self._look(source)
        keys = self._read(seen)
        self._source, self._seen, self._keys = source, seen, keys

    def named(self, kid: str | None) -> list[Key]:
        """The keys that a token with this key id may be signed by: that one, or all that have no id."""
        keys = self._current()
        if kid is None:
            return keys
        return [key for key in keys if key.kid == kid] or [key for key in keys if key.kid is None]

    def _current(self) -> list[Key]:
        """The keys now. A file that cannot be read for the moment leaves those that were there."""
        source = self._source
        if not isinstance(source, Path) and not callable(source):
            return self._keys
        try:
            seen = self._look(source)
            if seen != self._seen:
                self._seen = seen  # what is wrong with it is said once
                self._keys = self._read(seen)
        except (OSError, UsageError) as error:
            if callable(source):
                raise
            log.error(  # noqa: TRY400 - a sentence says it all
                "the keys of %s cannot be read, and the old ones stay: %s", source, error
            )
        return self._keys

    @staticmethod
    def _look(source: Source) -> Any:
        """What is there now, so that a change is seen: of a file its times and size, with its path."""
        if isinstance(source, Path):
            about = source.stat()
            return source, about.st_mtime_ns, about.st_size, about.st_ino
        return source() if callable(source) else source

    def _read(self, seen: Any) -> list[Key]:
        keys = list(self._each(seen[0].read_bytes() if _is_file(seen) else seen, None))
        if not keys:
            raise UsageError(f"there is no key for {', '.join(self._algorithms)} among those that were given")
        return keys

    def _each(self, given: Any, kid: str | None) -> list[Key]:
        if isinstance(given, Key):
            return [given]
        if isinstance(given, str | bytes):
            text = given.encode() if isinstance(given, str) else given
            if text.lstrip().startswith(b"{"):
                try:
                    return self._each(json.loads(text), kid)
                except ValueError as error:
                    raise UsageError(f"a key that begins with {{ is no JSON: {error}") from None
            return [self._plain(text, kid)]
        if isinstance(given, Mapping):
            if isinstance(given.get("keys"), list):
                return [key for each in given["keys"] for key in self._each(each, None)]
            if "kty" in given:
                return self._jwk(given)
            return [key for name, each in given.items() for key in self._each(each, name)]
        if isinstance(given, Sequence):
            return [key for each in given for key in self._each(each, kid)]
        raise UsageError(f"a key is a text, bytes, a JWK or a file, and not a {type(given).__name__}")

    def _plain(self, text: bytes, kid: str | None) -> Key:
        if self._algorithms[0] in _SECRET:
            secret = text.strip()
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
            return Key(kid, self._of_kind(next(kind for kind, its in _KINDS.items() if name in its)), key)
        raise UsageError(f"this is no public key for {', '.join(self._algorithms)}, as PEM has it")

    def _jwk(self, jwk: Mapping[str, Any]) -> list[Key]:
        """A key of a set; none where it is for something else."""
        from jwt import PyJWK, PyJWKError
        from jwt.exceptions import InvalidKeyError

        kind, only, kid = jwk["kty"], jwk.get("alg"), jwk.get("kid")
        algorithms = tuple(name for name in self._of_kind(str(kind)) if only in (None, name))
        if not algorithms or jwk.get("use", "sig") != "sig":
            return []
        if kind != "oct" and "d" in jwk:
            raise UsageError(f"the key {kid!r} is private: tokens are checked with the public one alone")
        try:
            key = PyJWK(dict(jwk), algorithms[0]).key
        except (PyJWKError, InvalidKeyError) as error:
            raise UsageError(f"the key {kid!r} of the set cannot be used: {type(error).__name__}") from None
        if kind == "oct":
            return [self._plain(key, kid)._replace(algorithms=algorithms)]
        return [Key(kid, algorithms, key)]

    def _of_kind(self, kind: str) -> tuple[str, ...]:
        return tuple(name for name in self._algorithms if name in _KINDS.get(kind, ()))


def _is_file(seen: Any) -> bool:
    return isinstance(seen, tuple) and len(seen) == 4 and isinstance(seen[0], Path)
