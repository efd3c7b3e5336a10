"""TLS: the certificate, as the configuration has it."""

from __future__ import annotations

import ssl

from rtcore.errors import ConfigError


def tls_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """What connections are secured with. Both are PEM files: the chain, and its key if it is in another one.

    Raises:
        ConfigError: the certificate or its key cannot be used.

    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])

    def ask() -> str:  # else the program stops, and waits for somebody at a terminal
        raise ConfigError(
            f"the key {key or certificate} is encrypted, and cannot be used: write it without "
            "a passphrase (openssl pkey -in KEY -out NEW), readable by the server alone"
        )

    try:
        context.load_cert_chain(certificate, key, ask)
    except ssl.SSLError as error:
        raise ConfigError(f"the certificate {certificate} cannot be used: {error.reason or error}") from None
    except OSError as error:
        names = " or ".join(filter(None, (certificate, key)))
        raise ConfigError(f"{names} cannot be read: {error.strerror}") from None
    return context
