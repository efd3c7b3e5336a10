"""TLS: the certificate, as the configuration has it."""

from __future__ import annotations

import ssl

from rtcore.config import Config
from rtcore.errors import ConfigError


def tls_context(config: Config) -> ssl.SSLContext | None:
    """What connections are secured with; None: they are not.

    Raises:
        ConfigError: the certificate or its key cannot be used.

    """
    if config.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])

    def ask() -> str:  # else the program stops, and waits for somebody at a terminal
        raise ConfigError(
            f"the key {config.key or config.certificate} is encrypted, and cannot be used: write it without "
            "a passphrase (openssl pkey -in KEY -out NEW), readable by the server alone"
        )

    try:
        context.load_cert_chain(config.certificate, config.key, ask)
    except ssl.SSLError as error:
        raise ConfigError(
            f"the certificate {config.certificate} cannot be used: {error.reason or error}"
        ) from None
    except OSError as error:
        names = " or ".join(filter(None, (config.certificate, config.key)))
        raise ConfigError(f"{names} cannot be read: {error.strerror}") from None
    return context
