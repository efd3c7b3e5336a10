"""Tokens that another service signed (JSON Web Tokens), as an authenticator."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Final

from rtcore._ground.numbers import FIXED

from ._tokens.claims import Wanted
from ._tokens.claims import check as check_claims
from ._tokens.claims import end as end_of
from ._tokens.jwks import JWKS, KeysAway
from ._tokens.keyring import Key, Keyring, Source
from .auth import ANONYMOUS, Hello, User
from .errors import Refuse, UsageError

LONGEST: Final = FIXED["TOKEN"]
"""Characters of a token: what is longer is not looked at."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# The end of the year 9999: what JSON can say is more than a clock can.
_NEVER: Final = 253_402_300_799


class JWT:
    """Who a peer is, by a signed token: `app.authenticate(rtcore.JWT(keys, ["EdDSA"]))`.

    `sub` becomes the user's id, `exp` the end of the session's rights: the peer is told 30 s before, and its
    connection is closed then unless it brings a new one. A token is checked once for each hello and each
    `auth`, within the turn: 0.1 to 0.3 ms. What is wrong with it is told to the peer: close code 4501, or
    4005 (come back with a fresh one) where it has expired, or is good only later.

    Args:
        keys: a secret (HS...), a public key (PEM), a JWK or JWKS, a mapping of key ids to these, a list of
            these, a `pathlib.Path` to a file of one of them, a plain function that gives one, or `JWKS(url)`
            for what another service publishes. A file is read again when it changes; a function is asked for
            each token, and must be quick. A secret in bytes is what it is; a text is taken without the white
            space around it. In a set, keys that cannot be used are left out, and the log says which.
        algorithms: those that are accepted, whatever a token says of itself: of secrets or of public keys.
        audience: whom tokens must be for. None: those that are for somebody in particular are refused.
        issuer: who must have issued them.
        leeway: seconds that a token is good beyond its end, for clocks that differ. What begins (`nbf`,
            `iat`) may always be 30 s ahead.
        require: claims that must be there.
        anonymous: whether a peer without any token is welcome, as nobody in particular.

    Raises:
        UsageError: a key cannot be used, kinds of algorithms are mixed, or PyJWT is not installed
            (`pip install 'rtcore[jwt]'`).

    """

    def __init__(
        self,
        keys: Source | JWKS,
        algorithms: Sequence[str],
        *,
        audience: str | Iterable[str] | None = None,
        issuer: str | Iterable[str] | None = None,
        leeway: float = 0,
        require: Sequence[str] = ("exp", "sub"),
        anonymous: bool = False,
    ) -> None:
        try:
            import jwt
        except ImportError:
            raise UsageError("rtcore.JWT needs PyJWT: pip install 'rtcore[jwt]'") from None
        self._jwt = jwt
        self._ring = Keyring(keys, [algorithms] if isinstance(algorithms, str) else algorithms)
        self._wanted = Wanted(_names(audience), _names(issuer), leeway, tuple(require))
        self._anonymous = anonymous

    @property
    def keys(self) -> JWKS | None:
        """The keys of another service that it checks with, if it does."""
        source = self._ring.source
        return source if isinstance(source, JWKS) else None

    def __call__(self, hello: Hello) -> User | Awaitable[User]:
        """The user of a hello; to be waited for where keys must be fetched first.

        Raises:
            Refuse: the token is not as it should be.

        """
        if hello.token is None and self._anonymous:
            return ANONYMOUS
        if self._must_fetch(hello.token):
            return self._fetched(hello.token)
        return self._user(self.verify(hello.token))

    def verify(self, token: str | None) -> dict[str, Any]:
        """The claims of a token that is as it should be. For an authenticator of the application's own.

        With `JWKS` it knows the keys that were fetched so far; `claims` waits for those that are to come.

        Raises:
            Refuse: it is not; `UNAUTHORIZED`, with a reason that may be told to the peer.

        """
        if token is None:
            raise Refuse("UNAUTHORIZED", "a token is needed, and there is none")
        if len(token) > LONGEST:
            raise Refuse("UNAUTHORIZED", f"the token has {len(token)} characters, and may have {LONGEST}")
        remote = self.keys
        if remote is not None and remote.document is None:
            raise KeysAway(
                f"no keys were fetched yet from {remote.url}: app.background(keys.keep_fresh) does"
            )
        head = self._head(token)
        named = self._ring.named(head.get("kid"))
        if not named:
            text = "the token is signed by a key that is not known here"
            raise Refuse("UNAUTHORIZED", text, retry=remote is not None)  # it may be in a minute
        keys = [key for key in named if head.get("alg") in key.algorithms]
        if not keys:
            raise Refuse("UNAUTHORIZED", "the token is signed in a way that is not accepted here")
        for key in keys:
            claims = self._signed(token, key)
            if claims is not None:
                check_claims(claims, self._wanted, time.time())
                return claims
        raise Refuse("UNAUTHORIZED", "the token's signature is not that of a key that is known here")

    async def claims(self, token: str | None) -> dict[str, Any]:
        """The claims of a token that is as it should be, as `verify` gives them; fetches keys where it must.

        A cancel point, and a schedule point where it waits: with `JWKS`, until the keys were fetched once,
        and for a key id that is not known, at most once in 30 s.

        Raises:
            Refuse: it is not; `UNAUTHORIZED`, with a reason that may be told to the peer.

        """
        remote = self.keys
        if remote is not None and self._must_fetch(token):
            await remote.refresh()
        return self.verify(token)

    def rotate(self, keys: Source | JWKS) -> None:
        """Check with these keys from now on; tokens that were accepted stay so until they end.

        Raises:
            UsageError: there is none among them that can be used; the old ones stay.

        """
        self._ring.rotate(keys)

    async def _fetched(self, token: str | None) -> User:
        return self._user(await self.claims(token))

    def _must_fetch(self, token: str | None) -> bool:
        """Whether the answer may be another once keys were fetched, and they may be."""
        remote = self.keys
        if remote is None or token is None or len(token) > LONGEST:
            return False
        if remote.needed():
            return True
        try:
            kid = self._head(token).get("kid")
        except Refuse:
            return False
        return not self._ring.named(kid) and remote.may_ask()

    def _user(self, claims: dict[str, Any]) -> User:
        user = claims.get("sub")
        if user is None:
            raise Refuse("UNAUTHORIZED", "the token does not say whose it is: `sub` is missing")
        if _CONTROL.search(user):
            raise Refuse("UNAUTHORIZED", "what the token says cannot be a user: it has control characters")
        try:
            return User(user, end_of(claims, self._wanted.leeway, _NEVER))
        except (UsageError, UnicodeEncodeError) as error:
            raise Refuse("UNAUTHORIZED", f"what the token says cannot be a user: {error}") from None

    def _head(self, token: str) -> dict[str, Any]:
        """What the token says of itself."""
        try:
            return self._jwt.get_unverified_header(token)
        except (self._jwt.InvalidTokenError, *_UNREADABLE) as error:
            raise self._refusal(error) from None

    def _signed(self, token: str, key: Key) -> dict[str, Any] | None:
        """The claims of a token that this key has signed, not checked yet; None: it has not."""
        jwt: Any = self._jwt
        try:
            said: dict[str, Any] = jwt.decode(
                token, key.key, algorithms=list(key.algorithms), options=_SIGNATURE_ALONE
            )
        except (jwt.InvalidSignatureError, jwt.InvalidKeyError):
            return None
        except (jwt.InvalidTokenError, *_UNREADABLE) as error:
            raise self._refusal(error) from None
        return said

    def _refusal(self, error: Exception) -> Refuse:
        none = isinstance(error, (self._jwt.DecodeError, *_UNREADABLE))
        return Refuse(
            "UNAUTHORIZED",
            "the token cannot be read: it is no JSON Web Token"
            if none
            else "the token is not as it should be",
        )


# What its library raises for what no library has written.
_UNREADABLE: Final = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
# PyJWT takes a text for a date, and refuses an `iat` by a clock that is a second behind: claims are ours.
_SIGNATURE_ALONE: Final[Any] = {
    "verify_signature": True,
    **dict.fromkeys(
        ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti"),
        False,
    ),
}


def _names(given: str | Iterable[str] | None) -> frozenset[str] | None:
    return None if given is None else frozenset([given] if isinstance(given, str) else given)


JWT.__module__ = "rtcore"
