"""Tokens that another service signed (JSON Web Tokens), as an authenticator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ._keyring import Keyring, Source
from .auth import ANONYMOUS, Hello, User
from .errors import Refuse, UsageError

LONGEST: Final = 16 * 1024
"""Characters of a token: what is longer is not looked at."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# The end of the year 9999: what JSON can say is more than a clock can.
_NEVER: Final = 253_402_300_799


class JWT:
    """Who a peer is, by a signed token: `app.authenticate(rtcore.JWT(keys, ["EdDSA"]))`.

    `sub` becomes the user's id, `exp` the end of the session's rights: the peer is told 30 s before, and its
    connection is closed then unless it brings a new one. A token is checked once for each hello and each
    `auth`, within the turn: 0.1 to 0.3 ms. What is wrong with it is told to the peer (close code 4501).

    Args:
        keys: a secret (HS...), a public key (PEM), a JWK or JWKS, a mapping of key ids to these, a list of
            these, a `pathlib.Path` to a file of one of them, or a plain function that gives one. A file is
            read again when it changes; a function is asked for each token, and must be quick.
        algorithms: those that are accepted, whatever a token says of itself: of secrets or of public keys.
        audience: whom tokens must be for. None: those that are for somebody in particular are refused.
        issuer: who must have issued them.
        leeway: seconds by which clocks may differ.
        require: claims that must be there.
        anonymous: whether a peer without any token is welcome, as nobody in particular.

    Raises:
        UsageError: a key cannot be used, kinds of algorithms are mixed, or PyJWT is not installed
            (`pip install 'rtcore[jwt]'`).

    """

    def __init__(
        self,
        keys: Source,
        algorithms: Sequence[str],
        *,
        audience: str | Iterable[str] | None = None,
        issuer: str | Sequence[str] | None = None,
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
        self._audience = audience
        self._issuer = issuer
        self._leeway = leeway
        self._require = list(require)
        self._anonymous = anonymous

    def __call__(self, hello: Hello) -> User:
        """The user of a hello. Raises Refuse."""
        if hello.token is None and self._anonymous:
            return ANONYMOUS
        claims = self.verify(hello.token)
        user, expires = claims.get("sub"), claims.get("exp")
        if user is None:
            raise Refuse("UNAUTHORIZED", "the token does not say whose it is: `sub` is missing")
        if _CONTROL.search(user):
            raise Refuse("UNAUTHORIZED", "what the token says cannot be a user: it has control characters")
        try:
            return User(user, None if expires is None else min(float(expires) + self._leeway, _NEVER))
        except (UsageError, OverflowError, UnicodeEncodeError) as error:
            raise Refuse("UNAUTHORIZED", f"what the token says cannot be a user: {error}") from None

    def verify(self, token: str | None) -> dict[str, Any]:
        """The claims of a token that is as it should be. For an authenticator of the application's own.

        Raises:
            Refuse: it is not; `UNAUTHORIZED`, with a reason that may be told to the peer.

        """
        if token is None:
            raise Refuse("UNAUTHORIZED", "a token is needed, and there is none")
        if len(token) > LONGEST:
            raise Refuse("UNAUTHORIZED", f"the token has {len(token)} characters, and may have {LONGEST}")
        jwt = self._jwt
        try:
            head = jwt.get_unverified_header(token)
            named = self._ring.named(head.get("kid"))
            if not named:
                raise Refuse("UNAUTHORIZED", "the token is signed by a key that is not known here")
            keys = [key for key in named if head.get("alg") in key.algorithms]
            if not keys:
                raise Refuse("UNAUTHORIZED", "the token is signed in a way that is not accepted here")
            for key in keys:
                try:
                    return self._decode(token, key.key, key.algorithms)
                except (jwt.InvalidSignatureError, jwt.InvalidKeyError):
                    continue
            raise Refuse("UNAUTHORIZED", "the token's signature is not that of a key that is known here")
        except jwt.InvalidTokenError as error:
            raise Refuse("UNAUTHORIZED", self._why(error)) from None
        except (OverflowError, RecursionError, UnicodeError):
            raise Refuse("UNAUTHORIZED", "the token cannot be read") from None

    def rotate(self, keys: Source) -> None:
        """Check with these keys from now on; tokens that were accepted stay so until they end.

        Raises:
            UsageError: there is none among them that can be used; the old ones stay.

        """
        self._ring.rotate(keys)

    def _decode(self, token: str, key: Any, algorithms: Sequence[str]) -> dict[str, Any]:
        return self._jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            audience=self._audience,
            issuer=self._issuer,
            leeway=self._leeway,
            options={"require": self._require},
        )

    def _why(self, error: Exception) -> str:
        jwt = self._jwt
        if isinstance(error, jwt.MissingRequiredClaimError):
            return f"the token has no `{error.claim}`, and must have one"
        for kind, text in (
            (jwt.ExpiredSignatureError, "the token has expired"),
            (jwt.ImmatureSignatureError, "the token is not valid yet"),
            (jwt.InvalidAudienceError, "the token is for somebody else: its `aud` is not ours"),
            (jwt.InvalidIssuerError, "the token is not from the issuer that is trusted here"),
            (jwt.DecodeError, "the token cannot be read: it is no JSON Web Token"),
        ):
            if isinstance(error, kind):
                return text
        return "the token is not as it should be"


JWT.__module__ = "rtcore"
