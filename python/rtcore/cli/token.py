"""`rtcore token`: a signed token to try things with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from rtcore._tokens.keyring import content

from .words import value_of
from .wrong import Wrong

_EPILOG = """\b
Examples:
  head -c 32 /dev/urandom | base64 > secret
  rtcore token ann --secret-file secret
  rtcore token ann --secret-file secret --seconds 60 --audience shop --claim role=admin

\b
In the application:
  app.authenticate(rtcore.JWT(pathlib.Path("secret"), ["HS256"], audience="shop"))
"""
# RFC 7518 §3.2: the secret of HS256 is at least as long as its hash.
_LEAST = 32


@click.command(epilog=_EPILOG)
@click.argument("user")
@click.option(
    "--secret-file",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The secret that the server checks with, 32 bytes or more.",
)
@click.option("--seconds", default=3600, show_default=True, help="How long it is good for.")
@click.option("--audience", metavar="NAME", help="Whom it is for.")
@click.option("--issuer", metavar="NAME", help="Whom it is from.")
@click.option(
    "--claim",
    "claims",
    metavar="NAME=VALUE",
    multiple=True,
    help="A further claim; the value is JSON or text.",
)
def token(
    user: str,
    secret_file: Path,
    seconds: int,
    audience: str | None,
    issuer: str | None,
    claims: tuple[str, ...],
) -> None:
    """Print a token that says to be USER, signed with a secret (HS256). For tests, not for people."""
    try:
        import jwt
    except ImportError:
        raise click.ClickException("rtcore token needs PyJWT: pip install 'rtcore[jwt]'") from None
    found = content(secret_file)
    secret = found.strip().encode() if isinstance(found, str) else found  # as `rtcore.JWT` reads it
    if len(secret) < _LEAST:
        raise Wrong(f"the secret has {len(secret)} bytes, and {_LEAST} are needed")
    now = int(time.time())
    said: dict[str, Any] = {"sub": user, "iat": now, "exp": now + seconds, "aud": audience, "iss": issuer}
    for claim in claims:
        name, equals, value = claim.partition("=")
        if not equals:
            raise Wrong(f"--claim {claim} has no value: write it as --claim {name}=VALUE")
        said[name] = value_of(value)
    click.echo(
        jwt.encode({name: value for name, value in said.items() if value is not None}, secret, "HS256")
    )
